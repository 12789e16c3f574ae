"""What speaks against a published figure: one point of a label or a bundle that does not hold."""

from dataclasses import dataclass

from benchmark_core.terminal_text import printable

LONGEST_TEXT = 500


@dataclass(frozen=True)
class FailedPoint:
    """`code` is a word for machines, `what` one sentence for people, `where` a file and a place."""

    code: str
    what: str
    where: str

    def line(self) -> str:
        return _one_line(f"{self.code}: {self.where}: {self.what}")


@dataclass(frozen=True)
class NotChecked:
    """A point that the evidence at hand cannot decide, which is not the same as one that holds."""

    what: str
    because: str
    where: str

    def line(self) -> str:
        return _one_line(f"not checked: {self.where}: {self.what}: {self.because}")


Finding = FailedPoint | NotChecked


@dataclass(frozen=True)
class Verification:
    """All that came of looking. `holds` are the points that were looked at and hold."""

    subject: str
    rehearsal: bool
    holds: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def failed(self) -> list[FailedPoint]:
        return [one for one in self.findings if isinstance(one, FailedPoint)]

    @property
    def not_checked(self) -> list[NotChecked]:
        return [one for one in self.findings if isinstance(one, NotChecked)]


def _one_line(text: str) -> str:
    flat = printable(" ".join(text.split()))
    return flat if len(flat) <= LONGEST_TEXT else flat[: LONGEST_TEXT - 3] + "..."
