"""How a staging copy is made safe before anything of the ERP runs: statements and steps. Pure.

A rule's act is one statement, ``DO``, that looks itself whether the database has what it changes:
so a plan shows all that will be run, whatever modules are installed.

Secrets are in no statement: they are settings of the session, ``pra.administrator_password`` and
``pra.administrator_hash``, beside ``pra.administrator``, the login. They travel by environment.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from restore.adapters.postgres import commands
from restore.adapters.postgres.columns import clearing
from restore.adapters.postgres.commands import literal
from restore.model import Credentials, DatabaseFacts, Purpose, Role, Step, StepKind
from restore.model.messages import message
from restore.model.secret import Secret
from restore.plan.placeholders import filled, filled_sql, operation_values
from restore.plan.request import PlanRequest, before_start, database_step
from restore.profile import Neutralisation, NeutralisationAct, NeutralisationRule, Profile
from restore.profile.placeholders import SETTINGS

ROUNDS: Final = 600_000
"""Odoo's own number since version 16; with fewer, it would hash the password anew at a login."""


UNSAFE: Final = (
    "the profile does not say how a copy is neutralised",
    "give it a neutralisation (docs/reference/profiles.md)",
)
"""Why no staging copy is made, and what to do."""

UNSAFE_REPORTS: Final = (
    "the profile does not say how a copy's reports server is neutralised",
    "give its neutralisation a part 'reports' (docs/reference/profiles.md)",
)

_QUIET: Final = "-c log_error_verbosity=terse -c client_min_messages=warning"
"""No error may quote a row, in which there would be a hash."""


@dataclass(frozen=True, slots=True)
class Administrator:
    """Whom a copy belongs to: the one account that keeps a password, another than production's.

    ``hash`` is the password as passlib's ``pbkdf2_sha512`` keeps it.
    """

    login: str
    password: Secret
    hash: Secret


def administrator(account: Credentials, salt: bytes) -> Administrator:
    """The administrator of a copy, whose password is hashed with ``salt`` (16 bytes)."""
    return Administrator(account.login, account.password, hashed(account.password, salt))


def hashed(password: Secret, salt: bytes, rounds: int = ROUNDS) -> Secret:
    """A password as passlib's ``pbkdf2_sha512``, which Odoo and Tryton both know."""
    digest = hashlib.pbkdf2_hmac("sha512", password.reveal().encode(), salt, rounds)
    return Secret(f"$pbkdf2-sha512${rounds}${_base64(salt)}${_base64(digest)}")


def session_options(account: Administrator) -> Secret:
    """``PGOPTIONS`` of a session that neutralises, or proves that it is done."""
    values = (account.login, account.password.reveal(), account.hash.reveal())
    settings = zip(SETTINGS, values, strict=True)
    given = (f"-c pra.{name}={_escaped(value)}" for name, value in settings)
    return Secret(" ".join((_QUIET, *given)))


def for_copies(profile: Profile) -> Profile:
    """A profile whose configuration files are those of a copy, which can't act either."""
    neutralisation = profile.neutralisation
    others = dict(neutralisation.configuration) if neutralisation is not None else {}
    files = (
        replace(file, set=tuple({**dict(file.set), **dict(others.get(file.name, ()))}.items()))
        if file.server is Role.ERP
        else file
        for file in profile.configuration
    )
    reports = profile.reports
    if reports is not None:
        reports = replace(reports, server=for_copies(reports.server))
    return replace(profile, configuration=tuple(files), reports=reports)


def with_staging(
    request: PlanRequest, databases: tuple[DatabaseFacts, ...], steps: tuple[Step, ...]
) -> tuple[Step, ...]:
    """A plan's steps with those that make a copy safe, for ``STAGING`` only.

    They come when all databases and documents have their final names, before post-operations,
    statistics and the ERP's start.
    """
    if request.purpose is not Purpose.STAGING:
        return steps
    return before_start(steps, _safe(request, databases))


def _safe(request: PlanRequest, databases: tuple[DatabaseFacts, ...]) -> Iterator[Step]:
    neutralisation = request.profile.neutralisation
    if neutralisation is None:
        # The plan was refused.
        return
    names = tuple(facts.name for facts in databases)
    for name in names:
        values = operation_values(request.target.configuration, names, name)
        if neutralisation.command:
            yield _command(request, neutralisation, values["database"])
        rules = statements(neutralisation, values)
        title = message("Neutralise database {name}", name=name)
        argv = commands.run_statements(request.profile.database.superuser, name, rules)
        yield database_step(StepKind.NEUTRALISE, name, title, argv, items=len(rules))


def _command(request: PlanRequest, neutralisation: Neutralisation, database: str) -> Step:
    """The ERP's own command; its ``owner`` is the user as whom it runs beside the ERP's server."""
    return Step(
        id=f"neutralise:{database}:command",
        kind=StepKind.NEUTRALISE,
        title=message("Neutralise database {name} by the ERP's own command", name=database),
        target=database,
        database=database,
        owner=request.profile.erp.user,
        argv=tuple(filled(part, {"database": database}) for part in neutralisation.command),
    )


def statements(neutralisation: Neutralisation, values: Mapping[str, str]) -> tuple[str, ...]:
    """All rules' acts for a database, in order. ``values`` are those of the placeholders."""
    return tuple(_guarded(rule, act, values) for rule in neutralisation.rules for act in rule.acts)


def condition(when: Sequence[str]) -> str:
    """An expression: whether a database has all of these tables and columns."""
    return " AND ".join(map(_present, when))


def _guarded(rule: NeutralisationRule, act: NeutralisationAct, values: Mapping[str, str]) -> str:
    parts = [filled_sql(text, values).rstrip("; ") for text in act.sql]
    if act.clears:
        parts.append(clearing(act.clears))
    changes = "\n".join(f"    {text};" for text in parts)
    body = (
        f"DECLARE field record;\nBEGIN\n  IF {condition(act.when)} THEN\n{changes}\n  END IF;\n"
        "EXCEPTION WHEN OTHERS THEN\n"
        f"  RAISE EXCEPTION '%', {literal(f'neutralisation {rule.name}: ')} || SQLERRM;\nEND"
    )
    return f"DO {literal(body)}"


def _present(name: str) -> str:
    table, _, column = name.partition(".")
    if not column:
        return f"to_regclass({literal(table)}) IS NOT NULL"
    return (
        "EXISTS (SELECT FROM pg_catalog.pg_attribute"
        f" WHERE attrelid = to_regclass({literal(table)}) AND attname = {literal(column)}"
        " AND NOT attisdropped)"
    )


def _base64(content: bytes) -> str:
    """Base64 as passlib writes it: ``.`` in place of ``+``, no padding."""
    return base64.b64encode(content, b"./").decode().rstrip("=")


def _escaped(value: str) -> str:
    """A value escaped for ``PGOPTIONS``, where blanks separate options."""
    return "".join("\\" + one if one in " \t\n\r\f\v\\" else one for one in value)
