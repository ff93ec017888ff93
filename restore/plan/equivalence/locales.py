"""The locales that databases sort by, held against what a server has. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from restore.model import DatabaseFacts, DatabaseLocale, Difference, Severity, Versioned
from restore.model.messages import message

FAMILIES: Final = ("postgresql.collation:", "postgresql.collation-version:")
"""Beginnings of the keys of these differences."""

ALWAYS_THERE: Final = frozenset({"C", "POSIX", "default", "ucs_basic"})
"""Collations that every server has, whatever its operating system."""

_ICU: Final = "icu:"


def collation_differences(
    databases: Sequence[DatabaseFacts], known: tuple[Versioned, ...] | None
) -> Iterator[Difference]:
    """Locales that the server lacks, or that sort by another version of their rules there."""
    if known is None:
        return
    here = {locale_key(item.name): item.version for item in known}
    for database in databases:
        yield from _missing(database, here)
        yield from _other_version(database, here)


def _missing(database: DatabaseFacts, here: Mapping[str, str]) -> Iterator[Difference]:
    needed = [database.collate, database.ctype]
    if database.locale and database.locale.provider == "builtin":
        needed.append(database.locale.key)
    for name in dict.fromkeys(needed):
        if name and name not in ALWAYS_THERE and locale_key(name) not in here:
            text = message(
                "the server lacks locale {name}, which database {database} sorts by",
                name=name,
                database=database.name,
            )
            yield _blocking(name, text)
    # ICU makes rules for any language, so the server only has to have it.
    if _by_icu(database.locale) and not any(name.startswith(_ICU) for name in here):
        name = database.locale.key if database.locale else ""
        text = message(
            "the server was built without ICU, which database {database} sorts by",
            database=database.name,
        )
        yield _blocking(name, text)


def _blocking(name: str, text: str) -> Difference:
    key = f"postgresql.collation:{name}"
    return Difference(key, Severity.BLOCKING, name, message("not available"), text)


def _other_version(database: DatabaseFacts, here: Mapping[str, str]) -> Iterator[Difference]:
    locale = database.locale
    name = locale.key if locale and locale.provider != "libc" else database.collate
    version = _icu_version(locale.name, here) if locale and _by_icu(locale) else None
    version = version or here.get(locale_key(name))
    if version and database.collation_version not in (None, "", version):
        key, before = f"postgresql.collation-version:{name}", str(database.collation_version)
        text = message(
            "locale {name} sorts by other rules: texts may come in another order "
            "(indexes are right: a restore builds them anew)",
            name=name,
        )
        yield Difference(key, Severity.WARNING, before, version, text)


def _by_icu(locale: DatabaseLocale | None) -> bool:
    return locale is not None and locale.provider == "icu"


def _icu_version(name: str, here: Mapping[str, str]) -> str | None:
    """The version of ICU's rules for a locale: those of its language, else of all languages."""
    language = re.split(r"[-_@]", name)[0].lower()
    for known in (name, language, "und"):
        if version := here.get(locale_key(_ICU + known)):
            return version
    return None


def locale_key(name: str) -> str:
    """A locale's name without what doesn't matter: ``en_US.UTF-8`` and ``en_US.utf8`` are one."""
    language, dot, rest = name.partition(".")
    charset, at, modifier = rest.partition("@")
    return language + dot + re.sub(r"[^a-z0-9]", "", charset.lower()) + at + modifier
