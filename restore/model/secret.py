"""A text whose every rendering is ``***``."""

from typing import Final, NoReturn

MASK: Final = "***"


class Secret:
    """Holds a password, token or key so that no log, report or traceback can show it.

    ``reveal()`` is the only way to the text; its callers pass it on by file or environment, never
    by argv. Equality compares the texts, so that settings stay comparable.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text itself."""
        return self._text

    def __str__(self) -> str:
        return MASK

    def __repr__(self) -> str:
        return MASK

    def __format__(self, format_spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(("Secret", self._text))

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret is never pickled")
