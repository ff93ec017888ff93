"""Reads locales from a server: the one a database sorts by, and those that it offers.

From PostgreSQL 15 on a database may sort by ICU's rules, from 17 on by rules of the server's own,
rather than by those of the operating system's library.
"""

from __future__ import annotations

from typing import Final

from restore.adapters.postgres.sql import Connection, rows
from restore.model import DatabaseLocale, Versioned

_PROVIDERS_SINCE: Final = 150000
_RULES_SINCE: Final = 160000
_ONE_COLUMN_SINCE: Final = 170000
_VERSIONS_SINCE: Final = 100000
_PROVIDERS: Final = {"c": "libc", "i": "icu", "b": "builtin"}

_LOCALE: Final = """
    SELECT datlocprovider::text, {locale}, {rules}
    FROM pg_catalog.pg_database WHERE datname = current_database()
"""

# What the operating system's library, or ICU, has now: not what was recorded at its creation.
_VERSION: Final = """
    SELECT pg_database_collation_actual_version(oid)
    FROM pg_catalog.pg_database WHERE datname = current_database()
"""
_VERSION_BEFORE_15: Final = """
    SELECT pg_collation_actual_version(c.oid)
    FROM pg_catalog.pg_collation c, pg_catalog.pg_database d
    WHERE d.datname = current_database() AND c.collprovider = 'c'
      AND c.collencoding IN (-1, d.encoding)
      AND (c.collcollate = d.datcollate OR c.collname = d.datcollate)
    ORDER BY c.collname = d.datcollate DESC LIMIT 1
"""

_OFFERED: Final = """
    SELECT collcollate, max(pg_collation_actual_version(oid)) FROM pg_catalog.pg_collation
    WHERE collprovider = 'c' AND collcollate IS NOT NULL AND collcollate <> ''
    GROUP BY collcollate
"""
# A server without ICU has none of the names that initdb takes from it; asking for the version of
# another ICU collation would be an error there.
_OFFERED_BY_ICU: Final = """
    SELECT 'icu:' || {locale}, max(pg_collation_actual_version(oid)) FROM pg_catalog.pg_collation
    WHERE collprovider = 'i' AND collname LIKE '%-x-icu' GROUP BY 1
"""
_BUILT_IN: Final = """
    SELECT DISTINCT 'builtin:' || colllocale, NULL FROM pg_catalog.pg_collation
    WHERE collprovider = 'b'
"""
_OFFERED_BEFORE_10: Final = """
    SELECT DISTINCT collcollate, NULL FROM pg_catalog.pg_collation
    WHERE collcollate IS NOT NULL AND collcollate <> ''
"""


def database_locale(connection: Connection) -> DatabaseLocale | None:
    """Provider, name and rules of the database's locale; None before PostgreSQL 15."""
    number = connection.info.server_version
    if number < _PROVIDERS_SINCE:
        return None
    query = _LOCALE.format(
        locale="datlocale" if number >= _ONE_COLUMN_SINCE else "daticulocale",
        rules="daticurules" if number >= _RULES_SINCE else "NULL",
    )
    provider, name, rules = rows(connection, query)[0]
    known = _PROVIDERS.get(provider, str(provider))
    return DatabaseLocale(known, str(name or ""), str(rules or ""))


def collation_version(connection: Connection) -> str | None:
    """Version of the rules that the connection's database sorts by; None where there is none."""
    number = connection.info.server_version
    if number < _VERSIONS_SINCE:
        return None
    found = rows(connection, _VERSION if number >= _PROVIDERS_SINCE else _VERSION_BEFORE_15)
    return str(found[0][0]) if found and found[0][0] is not None else None


def list_locales(connection: Connection) -> tuple[Versioned, ...]:
    """The locales that databases may have, sorted; those of other providers as ``icu:NAME``."""
    number = connection.info.server_version
    queries = [_OFFERED if number >= _VERSIONS_SINCE else _OFFERED_BEFORE_10]
    if number >= _PROVIDERS_SINCE:
        column = "colllocale" if number >= _ONE_COLUMN_SINCE else "colliculocale"
        queries.append(_OFFERED_BY_ICU.format(locale=column))
    if number >= _ONE_COLUMN_SINCE:
        queries.append(_BUILT_IN)
    found = (
        Versioned(str(name), str(version or ""))
        for query in queries
        for name, version in rows(connection, query)
    )
    return tuple(sorted(found, key=lambda item: (item.name, item.version)))
