"""``docs/benchmarks.md`` and its plot, from what was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final
from xml.sax.saxutils import escape

from benchmarks.ways import CACHED, FLOOR, OURS, Measure

_WIDTH: Final = 820
_LEFT: Final = 170
_BAR: Final = 18
_MB: Final = 1e6


@dataclass(frozen=True, slots=True)
class Scale:
    """The measures of one sample, by the ways' names; sizes in bytes."""

    name: str
    database: int
    dump: int
    documents: int
    documents_size: int
    measures: Mapping[str, Sequence[Measure]]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured."""

    lines: tuple[str, ...]


def page(scales: Sequence[Scale], ways: Mapping[str, str], machine: Machine) -> str:
    """The page, in Markdown."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; not part of the tests. The same backup is restored in several "
        "ways, into a new, empty PostgreSQL server on a new file system each time. In every round "
        "each way runs once, in turning order, so that what the machine does besides falls on all. "
        "A restore that lost a row, an index or a document stops the benchmark.",
        "",
        "The database is an Odoo 14.0 database (module `base`) grown with 60 tables as an ERP has "
        "them: foreign keys, five indexes each, texts, numbers and dates; a few tables hold most "
        "rows.",
        "",
        "![Seconds of each way](images/benchmarks.svg)",
        "",
        "## The machine",
        "",
        *(f"- {line}" for line in machine.lines),
        "",
        "## The ways",
        "",
        *(f"- **{name}**: {what}" for name, what in ways.items()),
        "",
        _WHY,
        "",
    ]
    for scale in scales:
        lines += [*_scale(scale), ""]
    return "\n".join(lines).rstrip() + "\n"


_AIMS: Final = (
    ("cold, to the floor", OURS, FLOOR, "at most 1.15"),
    ("click-odoo-contrib, to cold", "click-odoo-contrib", OURS, "at least 1.5"),
    ("Odoo's zip, to cold", "Odoo's zip", OURS, "at least 2"),
    ("cached, to cold", CACHED, OURS, "at most 0.25"),
)
_WHY: Final = (
    "What stands between: the floor brings nothing to disk and looks at nothing, while a replay "
    "syncs the database when it leaves bulk mode, compares every document and counts every row; a "
    "cached one places the database in seconds and still copies each document, which takes most of "
    "its time. Below a gigabyte, the seconds of its many small steps weigh more than the load. The "
    "tables of parts say how much each takes."
)


def _aims(scale: Scale) -> Iterable[str]:
    """What is aimed at, beside what was measured."""
    middle = {name: median(m.seconds for m in found) for name, found in scale.measures.items()}
    yield "| Aim | Wanted | Measured |"
    yield "| --- | --- | --- |"
    for what, one, other, wanted in _AIMS:
        if one in middle and other in middle:
            yield f"| {what} | {wanted} | {middle[one] / middle[other]:.2f} |"
    memory = [m.memory for found in scale.measures.values() for m in found if m.memory is not None]
    if memory:
        yield f"| memory of the engine | under 200 MB | {_mb(max(memory))} |"


def _scale(scale: Scale) -> Iterable[str]:
    yield f"## {scale.name}"
    yield ""
    yield (
        f"Database {_mb(scale.database)}, dump {_mb(scale.dump)}, "
        f"{scale.documents:,} documents of {_mb(scale.documents_size)} together."
    )
    yield ""
    yield "| Way | Seconds: min | median | max | Ratio to the floor | Ratio to ours | Rounds |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    middle = {name: median(m.seconds for m in found) for name, found in scale.measures.items()}
    for name, found in scale.measures.items():
        seconds = [measure.seconds for measure in found]
        yield (
            f"| {name} | {min(seconds):.1f} | {median(seconds):.1f} | {max(seconds):.1f} "
            f"| {_ratio(middle[name], middle.get(FLOOR))} "
            f"| {_ratio(middle[name], middle.get(OURS))} | {len(seconds)} |"
        )
    yield ""
    yield from _aims(scale)
    ours = {name: scale.measures[name] for name in (OURS, CACHED) if scale.measures.get(name)}
    for name, found in ours.items():
        yield ""
        yield (
            f"Where the time of {name} goes (documents beside the database; statistics, which are "
            "not counted, while the ERP starts):"
        )
        yield ""
        yield "| Part | Seconds (median) |"
        yield "| --- | --- |"
        for part in found[0].steps:
            yield f"| {part} | {median(m.steps.get(part, 0.0) for m in found):.1f} |"


def _ratio(value: float, other: float | None) -> str:
    return "" if not other else f"{value / other:.2f}"


def _mb(size: float) -> str:
    return f"{size / _MB:,.0f} MB"


def plot(scales: Sequence[Scale]) -> str:
    """Bars of the medians with the range of the rounds, as SVG."""
    parts: list[str] = []
    top = 10
    for scale in scales:
        parts.append(_text(10, top + 14, scale.name, "font-weight='bold'"))
        top += 26
        longest = max(m.seconds for found in scale.measures.values() for m in found)
        unit = (_WIDTH - _LEFT - 90) / longest
        for name, found in scale.measures.items():
            seconds = [measure.seconds for measure in found]
            middle = median(seconds)
            colour = "#2a6fbb" if name in (OURS, CACHED) else "#9aa7b5"
            y = top + _BAR / 2
            parts.append(_text(_LEFT - 8, top + 13, name, "text-anchor='end'"))
            parts.append(
                f"<rect x='{_LEFT}' y='{top}' width='{middle * unit:.1f}' height='{_BAR}' "
                f"fill='{colour}'/>"
            )
            parts.append(
                f"<line x1='{_LEFT + min(seconds) * unit:.1f}' y1='{y}' "
                f"x2='{_LEFT + max(seconds) * unit:.1f}' y2='{y}' stroke='#222'/>"
            )
            label = f"{middle:.1f} s"
            parts.append(_text(_LEFT + max(seconds) * unit + 6, top + 13, label))
            top += _BAR + 8
        top += 16
    body = "\n".join(parts)
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {_WIDTH} {top}' "
        f"width='{_WIDTH}' height='{top}' font-family='sans-serif' font-size='13'>\n"
        f"<rect width='100%' height='100%' fill='white'/>\n{body}\n</svg>\n"
    )


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f"<text x='{x:.1f}' y='{y:.1f}' {more}>{escape(text)}</text>"
