"""Words, numbers, durations, sizes and dates as a reader of English or French expects them.

The report's own words are catalogues in ``templates/messages.<language>.yaml``. The engine's
sentences (titles of steps, what a check observed) are messages, English with their template:
``templates/phrases.<language>.yaml`` has the translation of each template.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from itertools import zip_longest
from typing import Any, Final

from restore.errors import UsageError
from restore.model.messages import Message, OldSentence

LANGUAGES: Final = ("en", "fr")

_SIZE_STEP: Final = 1000
_LONGEST_OLD: Final = 2000
_TELLING: Final = 6
"""Letters of its own that a template needs so that a sentence is recognised by them."""
_PLACEHOLDER: Final = re.compile(r"\{(\w+)(:[^{}]*)?\}")


class _Decimal(float):
    """A number that is written with the decimal comma."""

    def __format__(self, spec: str) -> str:
        return super().__format__(spec).replace(".", ",")


@dataclass(frozen=True, slots=True)
class Locale:
    """One language's words and formats.

    ``messages`` are the report's own words by key, ``templates`` the translations of the engine's
    sentences by their English template.
    """

    language: str
    messages: Mapping[str, str]
    templates: Mapping[str, str]

    def text(self, key: str, **values: object) -> str:
        """The message of that key, its placeholders filled.

        Raises:
            KeyError: the catalogue has no such key.
        """
        return self.messages[key].format(**values)

    def count(self, key: str, amount: int) -> str:
        """The message ``<key>.one`` or ``<key>.other`` with ``{n}``; zero is singular in French."""
        singular = amount == 1 or (amount == 0 and self.language == "fr")
        form = "one" if singular else "other"
        return self.text(f"{key}.{form}", n=self.number(amount))

    def phrase(self, text: str) -> str:
        """A sentence of the engine in this language, or as it is when it is not known.

        Of a text that is no message, what is known as it stands is translated: the whole, else
        each of its lines. A sentence of a report of 0.1 is recognised by its words.
        """
        if isinstance(text, Message) and text.values:
            values = {name: self._shown(value) for name, value in text.values.items()}
            return self.templates.get(text.template, text.template).format(**values)
        if text in self.templates:
            return self.templates[text]
        if isinstance(text, OldSentence) and (made := self._recognised(text)) is not None:
            return made
        # Lines of an old sentence are old sentences, too.
        lines = text.split("\n")
        return text if len(lines) == 1 else "\n".join(self.phrase(type(text)(x)) for x in lines)

    def _recognised(self, text: OldSentence) -> str | None:
        """An old sentence by the template that it looks to be made of.

        One of few words looks like many a text: it counts only where it holds a known sentence.
        """
        for pattern, translation, telling in _old_patterns(self.language):
            if len(text) > _LONGEST_OLD or not (known := pattern.fullmatch(text)):
                continue
            values = {k: self.phrase(OldSentence(v)) for k, v in known.groupdict().items()}
            if telling or any(known[name] != value for name, value in values.items()):
                return translation.format(**values)
        return None

    def _shown(self, value: object) -> object:
        """A message's value: further messages in this language, decimals with its mark."""
        if isinstance(value, float) and self.language == "fr":
            return _Decimal(value)
        return self.phrase(value) if isinstance(value, Message) else value

    def number(self, value: float, digits: int = 0) -> str:
        """A number with this language's separators."""
        text = f"{value:,.{digits}f}".replace("-", "−")
        return text.translate(str.maketrans(",.", self.text("format.separators")))

    def processors(self, amount: float) -> str:
        """A number of processors; only a part of one has a decimal."""
        return self.number(amount, 0 if amount == round(amount) else 1)

    def size(self, amount: int) -> str:
        """Bytes in the largest decimal unit that leaves at least 1."""
        units = self.text("format.units").split()
        value, unit = float(amount), units.pop(0)
        # 999,960 bytes are 1.0 MB, not 1,000.0 kB: compare what would be shown.
        while units and round(value, 1) >= _SIZE_STEP:
            value, unit = value / _SIZE_STEP, units.pop(0)
        return f"{self.number(value, 0 if amount < _SIZE_STEP else 1)}\N{NO-BREAK SPACE}{unit}"

    def percent(self, share: float) -> str:
        """A share from 0 to 1 in whole percents."""
        return self.text("format.percent", n=self.number(share * 100))

    def duration(self, seconds: float) -> str:
        """Seconds in at most two units."""
        if seconds < 0:
            return f"−{self.duration(-seconds)}"
        if seconds < 1:
            shown = self.number(seconds, 2) if seconds >= 0.005 or seconds == 0 else None
            return self._units(s=shown or f"<\N{NO-BREAK SPACE}{self.number(0.01, 2)}")
        if round(seconds, 1) < 60:
            return self._units(s=self.number(seconds, 1))
        whole = round(seconds)
        if whole < 3600:
            return self._units(min=str(whole // 60), s=f"{whole % 60:02}")
        minutes = round(seconds / 60)
        if minutes < 24 * 60:
            return self._units(h=str(minutes // 60), min=f"{minutes % 60:02}")
        hours = round(seconds / 3600)
        return self._units(d=self.number(hours // 24), h=str(hours % 24))

    def limit(self, seconds: float) -> str:
        """A round number of seconds, such as a limit or a mark on an axis, without decimals."""
        if seconds >= 60 or seconds != round(seconds):
            return self.duration(seconds)
        return self._units(s=self.number(seconds))

    def moment(self, when: datetime) -> str:
        """A date with its time, in UTC."""
        utc = when.astimezone(UTC)
        day = "1er" if self.language == "fr" and utc.day == 1 else str(utc.day)
        month = self.text("format.months").split()[utc.month - 1]
        return self.text("format.moment", day=day, month=month, year=utc.year, time=self.clock(utc))

    def clock(self, when: datetime) -> str:
        """The time of day, in UTC."""
        return f"{when.astimezone(UTC):%H:%M:%S}"

    def _units(self, **amounts: str) -> str:
        space = "\N{NO-BREAK SPACE}"
        return space.join(f"{n}{space}{self.text(f'format.{unit}')}" for unit, n in amounts.items())


@cache
def locale(language: str) -> Locale:
    """The words and formats of a language.

    Raises:
        UsageError: there is no such language.
    """
    if language not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise UsageError(f"there is no language {language!r}", f"reports are written in: {known}")
    return Locale(
        language,
        messages=catalogue(f"messages.{language}.yaml"),
        templates={} if language == "en" else catalogue(f"phrases.{language}.yaml"),
    )


@cache
def _old_patterns(language: str) -> tuple[tuple[re.Pattern[str], str, bool], ...]:
    """What 0.1 made of each template, as a pattern, its translation, and whether it has words.

    Those that say most come first.
    """
    patterns = []
    known = {**locale(language).templates, "{title} ({where})": "{title} ({where})"}
    for template, translation in known.items():
        words = _PLACEHOLDER.split(template)
        literals, names = words[::3], words[1::3]
        if not names or len(set(names)) < len(names):
            continue
        letters = sum(map(str.isalpha, "".join(literals)))
        groups = (f"(?P<{name}>.+?)" for name in names)
        pattern = "".join(
            re.escape(literal) + group
            for literal, group in zip_longest(literals, groups, fillvalue="")
        )
        plain = _PLACEHOLDER.sub(r"{\1}", translation)
        # "Web: {step}" and "{product} runs" tell, "{one} of {other}" does not.
        telling = letters >= _TELLING or len(literals[0]) > 3 or len(literals[-1]) > 4
        patterns.append((letters, re.compile(pattern, re.DOTALL), plain, telling))
    patterns.sort(key=lambda one: -one[0])
    return tuple((pattern, plain, telling) for _, pattern, plain, telling in patterns)


def catalogue(name: str) -> dict[str, str]:
    """The texts of a file among the templates, by their keys, as they are written."""
    path = resources.files("restore.report") / "templates" / name
    # Whoever only reads reports or the history renders none.
    from restore.model.shipped import load_shipped  # noqa: PLC0415

    texts: dict[str, Any] = load_shipped(path.read_text(encoding="utf-8"))
    return texts
