"""What can be wrong with what is to be rated: what, where, and what to do."""


class ScoringError(Exception):
    """A mistake that the user can mend; `str()` of it is the whole message."""

    exit_code = 2

    def __init__(self, place: str, what: str, remedy: str) -> None:
        super().__init__(f"{place}: {what}. {remedy}")
