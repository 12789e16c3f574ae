"""Config files of the user's own, in the shape of the original's; read without building objects.

YAML is taken as it is written, so that a revision like 0012345 or 1e5 stays what it is and every
message can name a line. Only keys, texts and lists are read: no aliases, no tags.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from benchmark_core.direct.assignments import LONGEST_SHOWN, Assignment
from benchmark_core.direct.values import Given, Misfit, Word, expanded
from benchmark_core.faults import SpecFault
from benchmark_core.tasks import registry as tasks

ENDINGS: Final = (".yaml", ".yml")
LONGEST_FILE_BYTES = 256 * 1024
MOST_VALUES = 1000
DEEPEST = 10
LAUNCHERS: Final = ("process", "inline")
SCENARIO: Final = "energy_star"
# What the original's files list as their base, and what only Hydra itself heeds.
_BASES: Final = ("benchmark", "_base_", "_self_")
_STANDARD_TAGS: Final = tuple(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map")
)


@dataclass(frozen=True)
class ConfigFile:
    """`backend` is the one that the list of defaults names, which everything else wins over."""

    path: Path
    assignments: list[Assignment] = field(default_factory=list)
    faults: list[SpecFault] = field(default_factory=list)
    backend: list[str] = field(default_factory=list)


def is_file_name(config_name: str) -> bool:
    """Whether it names a file of its own, and not a config."""
    return "/" in config_name or config_name.endswith(ENDINGS)


def find(config_name: str, config_dir: Path | None) -> Path | None:
    """The file that is meant; None where the name is to be that of a task.

    Raises:
        SpecFault: there is no such file.
    """
    if config_dir is None and not is_file_name(config_name):
        return None
    named = Path(config_name) if config_dir is None else config_dir
    try:
        place = expanded(named)
    except Misfit as misfit:
        raise SpecFault(f"{str(named)[:300]!r} {misfit.complaint}", misfit.remedy) from None
    if config_dir is not None:
        place /= config_name
    endings = ("",) if config_name.endswith(ENDINGS) else ENDINGS
    candidates = [place.with_name(place.name + ending) for ending in endings]
    try:
        found = [path for path in candidates if path.is_file()]
        beside = [] if found else sorted(one.name for one in place.parent.glob("*.y*ml"))
    except (OSError, ValueError):
        found, beside = [], []
    if found:
        return found[0]
    there = f"It has {', '.join(beside[:10])}." if beside else "Name one that exists."
    raise SpecFault(f"there is no config file {str(candidates[0])[:300]!r}", there)


def read(path: Path) -> ConfigFile:
    """Everything that the file states, and every default in it that is not known.

    Raises:
        SpecFault: it is no config file at all.
    """
    content = ConfigFile(path)
    _Walk(content).through(_composed(path))
    return content


def _composed(path: Path) -> Any:
    import yaml

    name = repr(str(path)[:300])
    try:
        with path.open("rb") as stream:
            data = stream.read(LONGEST_FILE_BYTES + 1)
    except OSError as error:
        raise SpecFault(
            f"the config file {name} cannot be read: {error.strerror}", "Make it readable."
        ) from error
    if len(data) > LONGEST_FILE_BYTES:
        remedy = f"A config has at most {LONGEST_FILE_BYTES} bytes; name the right file."
        raise SpecFault(f"{name} is too long for a config file", remedy)
    try:
        root = yaml.compose(data.decode(), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = "" if mark is None else f", line {mark.line + 1}"
        problem = getattr(error, "problem", None) or "no text that could be YAML"
        what = f"{name}{line}: is not valid YAML: {problem}"
        raise SpecFault(what[:400], "Put that right; indent with blanks.") from error
    if not isinstance(root, yaml.MappingNode):
        raise SpecFault(f"{name} has no keys", "Begin with backend: and scenario: sections.")
    return root


class _Walk:
    """Through the nodes of one file, each once."""

    def __init__(self, content: ConfigFile) -> None:
        self._content = content
        self._seen: set[int] = set()

    def through(self, root: Any) -> None:
        self._enter(root, 0)
        self._section("", root, 0)

    def _section(self, prefix: str, node: Any, depth: int) -> None:
        for key_node, value in node.value:
            key = str(key_node.value) if isinstance(key_node.value, str) else "?"
            self._enter(key_node, depth)
            if prefix == "" and key == "hydra":
                continue
            if prefix == "" and key == "defaults":
                self._defaults(value)
            else:
                self._value(f"{prefix}{key}", value, depth)

    def _value(self, key: str, node: Any, depth: int) -> None:
        import yaml

        self._enter(node, depth)
        if isinstance(node, yaml.MappingNode):
            self._section(f"{key}.", node, depth + 1)
            return
        given = self._given(node, depth)
        written = node.value if isinstance(node, yaml.ScalarNode) else "[...]"
        shown = f"{self._where(node)}: {f'{key}: {written}'[:LONGEST_SHOWN]!r}"
        self._content.assignments.append(Assignment(key, given, shown))

    def _given(self, node: Any, depth: int) -> Given:
        import yaml

        if isinstance(node, yaml.SequenceNode):
            words = []
            for item in node.value:
                self._enter(item, depth)
                if not isinstance(item, yaml.ScalarNode):
                    raise SpecFault(
                        f"{self._where(item)}: a list may hold texts and numbers alone",
                        "Write it so, or leave it out.",
                    )
                words.append(_word(item))
            return tuple(words)
        return _word(node)

    def _defaults(self, node: Any) -> None:
        """The list that names what the original puts a config together from."""
        import yaml

        self._enter(node, 0)
        entries = node.value if isinstance(node, yaml.SequenceNode) else [node]
        for entry in entries:
            self._enter(entry, 1)
            pairs: list[tuple[str, Any]] = []
            if isinstance(entry, yaml.MappingNode):
                for group, chosen in entry.value:
                    self._enter(group, 1)
                    self._enter(chosen, 1)
                    pairs.append((str(group.value), chosen))
            elif isinstance(entry, yaml.ScalarNode):
                pairs.append(("", entry))
            for group, chosen in pairs:
                self._default(group.removeprefix("override ").removeprefix("/"), chosen)

    def _default(self, group: str, node: Any) -> None:
        name = str(node.value)
        known = {
            "": name in _BASES,
            "scenario": name == SCENARIO,
            "launcher": name in LAUNCHERS,
        }
        if group.startswith("hydra/") or known.get(group):
            return
        if group == "backend":
            self._content.backend.append(name)
            return
        shown = f"{self._where(node)}: {f'defaults: {group or name}'[:LONGEST_SHOWN]!r}"
        if group in ("", "task") and tasks.named(name):
            self._content.assignments.append(Assignment("scenario.task", Word(name), shown))
            return
        remedy = "Leave it out; a task goes as backend.task, other files are not read."
        self._content.faults.append(SpecFault(f"{shown} is not known", remedy))

    def _enter(self, node: Any, depth: int) -> None:
        """Raises SpecFault: it was met before, has a tag, or there is too much of them."""
        if id(node) in self._seen:
            raise SpecFault(f"{self._where(node)}: is referred to by an alias", "Write it out.")
        self._seen.add(id(node))
        if node.tag not in _STANDARD_TAGS:
            what = f"{self._where(node)}: has the tag {node.tag[:60]!r}"
            raise SpecFault(what, "Write a plain text, number or list.")
        if depth > DEEPEST or len(self._seen) > 2 * MOST_VALUES:
            what = f"{self._where(node)}: holds more than a config does"
            raise SpecFault(what, f"Keep to {MOST_VALUES} values, {DEEPEST} deep.")

    def _where(self, node: Any) -> str:
        return f"{self._content.path.name[:100]}, line {node.start_mark.line + 1}"


def _word(node: Any) -> Word:
    if node.tag.endswith(":null"):
        return Word("null")
    return Word(node.value, quoted=node.style is not None)
