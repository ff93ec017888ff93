"""What tools say on stderr, as it may stand in an error, a report or a terminal."""

from __future__ import annotations

import re
from typing import Final

from restore.model.secret import mask_known

_LONGEST_COMMAND: Final = 200

_CONTROLS: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]"
)

# How PostgreSQL's and its tools' messages go on, in the languages of servers that people have.
_ROWS: Final = r"D[EÉ]TAIL\w*|DETALLE|DETTAGLI\w*|DETALHE|[CK]ONTEXT\w*|QUERY|STATEMENT"
_NEXT: Final = r"\w+: (?:\w+: )?(?:error|warning|hint|from)|psql:|Command was: |[A-ZÉ]{4,}: "
_QUOTED: Final = re.compile(
    rf"^(?P<begin>\W*(?:\w+ ?: *)*(?:{_ROWS}) ?: *)(?P<rest>.*?)(?=^\W*(?:{_NEXT})|\Z)", re.M | re.S
)
_COMMAND: Final = re.compile(
    r"^(?P<begin>Command was: )(?P<rest>.*?)(?=^(?:\w+: |psql:)|\Z)", re.M | re.S
)
_PLACE: Final = re.compile(r"COPY [^:\n]+, line \d+(?:, column [^:\n]+)?")
_VALUE: Final = re.compile(r'(?<=: )"[^"\n]*"$|«[^»\n]*»$', re.M)
_LITERAL: Final = re.compile(r"'(?:[^']|'')*(?:'|\Z)")


def presentable(text: str) -> str:
    """Text without secrets that this process holds, without contents of rows, without controls.

    Where in a COPY something is wrong stays, as does the statement that failed, its values cut.
    """
    text = _QUOTED.sub(_without_rows, without_controls(text))
    text = _COMMAND.sub(_without_values, text)
    return mask_known(_VALUE.sub('"…"', text)).rstrip("\n")


def without_controls(text: str) -> str:
    """Text that moves no terminal's cursor and reads in one direction; lines and tabs stay."""
    return _CONTROLS.sub("�", text)


def _without_rows(found: re.Match[str]) -> str:
    place = _PLACE.match(found["rest"])
    end = "\n" if found["rest"].endswith("\n") else ""
    return found["begin"] + (f"{place[0]}: …" if place else "…") + end


def _without_values(found: re.Match[str]) -> str:
    shown = " ".join(_LITERAL.sub("'…'", found["rest"]).split())
    cut = "…" if len(shown) > _LONGEST_COMMAND else ""
    end = "\n" if found["rest"].endswith("\n") else ""
    return found["begin"] + shown[:_LONGEST_COMMAND] + cut + end
