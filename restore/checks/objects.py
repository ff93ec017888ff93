"""Whether all that a database is made of came back: objects, large objects, sequences, settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial
from typing import Final

from restore.adapters.postgres import objects, sql
from restore.checks.base import (
    Check,
    Finding,
    as_far_as_known,
    passed_unless,
    run_check,
    unknown_reason,
)
from restore.context import ReplayContext
from restore.model import (
    CheckResult,
    CheckStatus,
    DatabaseFacts,
    LargeObjects,
    ObjectFacts,
    SequenceFacts,
    SettingFacts,
)
from restore.model.messages import joined, message, plural

_KINDS: Final = {
    "schema": message("schemas"),
    "table": message("tables"),
    "view": message("views"),
    "materialized view": message("materialised views"),
    "foreign table": message("foreign tables"),
    "sequence": message("sequences"),
    "column": message("columns"),
    "not-null column": message("columns that must be filled"),
    "column default": message("defaults of columns"),
    "index": message("indexes"),
    "primary key": message("primary keys"),
    "unique constraint": message("unique constraints"),
    "exclusion constraint": message("exclusion constraints"),
    "foreign key": message("foreign keys"),
    "check constraint": message("check constraints"),
    "trigger": message("triggers"),
    "event trigger": message("event triggers"),
    "rule": message("rules"),
    "function": message("functions"),
    "aggregate": message("aggregates"),
    "policy": message("policies"),
    "row security": message("tables with row security"),
    "type": message("types"),
    "domain": message("domains"),
    "collation": message("collations"),
    "statistics object": message("extended statistics"),
    "foreign server": message("foreign servers"),
    "publication": message("publications"),
}

_MOST_NAMED: Final = 5
"""Objects of one kind that are named."""

READ_ONLY: Final = "default_transaction_read_only"


def expected_objects(facts: DatabaseFacts) -> str:
    """What is expected, in words."""
    if not facts.objects:
        return message("every object that production had")
    return _numbers(facts.objects)


def objects_finding(connection: sql.Connection, facts: DatabaseFacts) -> Finding:
    """Hold the objects of each kind that the backup tells of against those that are there."""
    found = objects.read_objects(connection)
    if facts.objects is None and not facts.lacks:
        reason = unknown_reason(message("which objects there were"))
        return Finding(CheckStatus.UNVERIFIABLE, _numbers(found), reason=reason)
    there = {item.kind: item for item in found}
    wrong: list[str] = []
    if facts.lacks and objects.POST_DATA in facts.lacks:
        wrong.append(
            message(
                "the dump was made without its section post-data: it holds no index, constraint "
                "or trigger"
            )
        )
    for item in facts.objects or ():
        wrong += _difference(item, there.get(item.kind))
    wrong += _large_objects(facts.large_objects, connection)
    wrong += _moved_sequences(facts.sequences, connection)
    told = {item.kind for item in facts.objects or ()}
    finding = passed_unless(wrong, _numbers(item for item in found if item.kind in told))
    if finding.status is not CheckStatus.PASSED:
        return finding
    untold = [item for item in found if item.kind not in told and item.number]
    if not untold:
        return finding
    # What a backup of others does not tell can't be held against anything; the rest was.
    only = message("only counted, as the backup does not tell them: {what}", what=_numbers(untold))
    return replace(finding, details=(only,))


def _numbers(found: Iterable[ObjectFacts]) -> str:
    parts = (
        message("{kind}: {n}", kind=_KINDS.get(item.kind, item.kind), n=item.number)
        for item in found
        if item.number
    )
    return joined(", ", parts) or message("none")


def _difference(wanted: ObjectFacts, found: ObjectFacts | None) -> Iterator[str]:
    kind = _KINDS.get(wanted.kind, wanted.kind)
    number = found.number if found else 0
    if found is not None and (found.number, found.digest) == (wanted.number, wanted.digest):
        return
    have = frozenset(found.names) if found else frozenset[str]()
    if len(wanted.names) < wanted.number or (found and len(found.names) < found.number):
        yield message(
            "{kind}: expected {wanted}, found {found}; their names are only held as a checksum",
            kind=kind,
            wanted=wanted.number,
            found=number,
        )
        return
    missing = [name for name in wanted.names if name not in have]
    extra = sorted(have - frozenset(wanted.names))
    if missing:
        yield message(
            "{kind}: {n} of {wanted} missing: {names}",
            kind=kind,
            n=len(missing),
            wanted=wanted.number,
            names=_some(missing),
        )
    if extra:
        yield message(
            "{kind}: {n} that production had not: {names}",
            kind=kind,
            n=len(extra),
            names=_some(extra),
        )


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST_NAMED])
    return shown if len(names) <= _MOST_NAMED else f"{shown}, …"


def _large_objects(wanted: LargeObjects | None, connection: sql.Connection) -> Iterator[str]:
    if wanted is None:
        return
    found = objects.read_large_objects(connection)
    if found.number != wanted.number:
        yield message(
            "large objects: expected {wanted}, found {found}",
            wanted=wanted.number,
            found=found.number,
        )
    elif None not in (wanted.bytes, found.bytes) and found.bytes != wanted.bytes:
        yield message(
            "large objects: expected {wanted} bytes, found {found}",
            wanted=wanted.bytes,
            found=found.bytes,
        )


def _moved_sequences(
    wanted: tuple[SequenceFacts, ...] | None, connection: sql.Connection
) -> Iterator[str]:
    """The sequences that do not stand where the backup has them; one that is gone is an object."""
    there = {(item.schema, item.name): item for item in objects.read_sequences(connection)}
    for item in wanted or ():
        now = there.get((item.schema, item.name))
        if now is not None and not _stands(item, now):
            yield message(
                "sequence {name} stands at {found}, in production at {wanted}",
                name=f"{item.schema}.{item.name}",
                found=_standing(now),
                wanted=_standing(item),
            )


def _stands(wanted: SequenceFacts, found: SequenceFacts) -> bool:
    if wanted.last_value is None or found.last_value is None:
        return True
    if wanted.later is None:
        return (wanted.last_value, wanted.called) == (found.last_value, found.called)
    low, high = sorted((wanted.last_value, wanted.later))
    return low <= found.last_value <= high


def _standing(item: SequenceFacts) -> str:
    if item.later is not None:
        return message("{first} to {last}", first=item.last_value, last=item.later)
    number = str(item.last_value)
    return number if item.called else message("{number}, not given yet", number=number)


def as_in_production(connection: sql.Connection, facts: DatabaseFacts) -> frozenset[str]:
    """The sequences of which it is known that they stand where production had them."""
    there = {(item.schema, item.name): item for item in objects.read_sequences(connection)}
    return frozenset(
        f"{item.schema}.{item.name}"
        for item in facts.sequences or ()
        if item.last_value is not None
        and (now := there.get((item.schema, item.name))) is not None
        and _stands(item, now)
    )


def settings_checks(context: ReplayContext, databases: tuple[str, ...]) -> list[CheckResult]:
    """Hold what is set for each promoted database, and for roles, against production's."""
    return [
        run_check(_settings_check(name), partial(_settings, context, name)) for name in databases
    ]


def foreseen_settings_checks(databases: tuple[str, ...]) -> tuple[Check, ...]:
    """The same checks, before there is a server."""
    return tuple(map(_settings_check, databases))


def _settings_check(database: str) -> Check:
    return Check(
        f"database.settings:{database}",
        message("Settings of {database} and of roles", database=database),
        message("as production had them"),
    )


def _settings(context: ReplayContext, database: str) -> Finding:
    server = context.environment.database
    with sql.connect(server, database) as connection:
        return settings_finding(connection, context.facts_of(database), server.superuser)


def settings_finding(connection: sql.Connection, facts: DatabaseFacts, superuser: str) -> Finding:
    """Hold the settings of a promoted database, and of roles, against production's.

    Args:
        superuser: keeps the settings that it has here.
    """
    found = objects.read_settings(connection)
    spaces = objects.read_tablespaces(connection)
    observed = plural(len(found), "{n} setting", "{n} settings")
    if facts.settings is None:
        untold = message("what was set for the database and its roles")
        return as_far_as_known(passed_unless((), observed), untold)
    there = {(item.role, item.everywhere, item.name): item for item in found}
    wrong = [
        line for item in facts.settings if item.role != superuser for line in _setting(item, there)
    ]
    wrong += (
        message("tablespace {name} is not used here", name=name)
        for name in facts.tablespaces or ()
        if name not in spaces
    )
    finding = passed_unless(wrong, observed, otherwise=CheckStatus.WARNING)
    if any(item.name == READ_ONLY and item.value in ("on", "true", "1") for item in facts.settings):
        own = message("production had set it read-only: it came back so")
        finding = replace(finding, details=(own, *finding.details))
    return finding


def _setting(item: SettingFacts, there: dict[tuple[str, bool, str], SettingFacts]) -> Iterator[str]:
    now = there.get((item.role, item.everywhere, item.name))
    if now is None:
        yield message("setting {setting} of production is missing", setting=item.text)
    elif now.value != item.value:
        yield message(
            "setting {setting}, production had {wanted}", setting=now.text, wanted=item.value
        )
