"""Whether a staging copy is safe: each rule's proof, asked again once the ERP has run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Final

from restore.adapters.postgres import sql
from restore.adapters.postgres.columns import pattern_of
from restore.checks import uncovered
from restore.checks.base import Check, Finding, about, passed_unless, run_check
from restore.checks.passwords import captured_secrets
from restore.checks.tls import client, tls_of
from restore.checks.uncovered import columns_that_hold
from restore.context import ReplayContext
from restore.errors import EnvironmentFailure
from restore.model import CheckResult, CheckStatus, Part, Purpose, Role
from restore.model.messages import Message, message, plural
from restore.model.secret import Secret
from restore.plan.configuration.files import decode, placeholders, reconcile, target_of, value_of
from restore.plan.neutralise import condition, session_options
from restore.plan.placeholders import filled, filled_sql, operation_values
from restore.profile import Banner, ConfigurationFile, Neutralisation, NeutralisationRule, Profile
from restore.profile.lint import REPORTS

PREFIX: Final = "neutralised."
"""How the ids of these checks begin."""

SECONDS: Final = 30.0
"""Longest time that the ERP may take to answer with the page of the banner."""

OF_REPORTS: Final = f"{PREFIX}{REPORTS}"
"""How the ids begin of those about a copy's reports server."""

_FILES: Final = Check(
    f"{PREFIX}configuration",
    message("The ERP's configuration leads nowhere"),
    message(
        "the keys of a copy are set in its files, and no secret of production is left in them",
    ),
)
_REPORTS_FILES: Final = replace(
    _FILES,
    id=f"{OF_REPORTS}configuration",
    title=message("The reports server's configuration leads nowhere"),
    expected=message("the keys of a copy are set in its files"),
)
_REPORTS_UNCOVERED: Final = replace(
    uncovered.CHECK,
    id=f"{OF_REPORTS}uncovered",
    title=message("Whatever looks dangerous in the reports server's database has a rule"),
)
_PAGE: Final = Check(
    f"{PREFIX}page", message("The ERP's page tells that it is a copy"), message("the banner")
)


_Declared = Iterator[tuple[Check, Callable[[ReplayContext, tuple[str, ...]], Finding]]]
"""Checks, each with what looks at these databases."""


def neutralised_checks(
    context: ReplayContext, databases: tuple[str, ...]
) -> tuple[CheckResult, ...]:
    """Ask every restored database for each rule's proof; nothing for a recovery."""
    own, reports = _halves(context.profile)
    if context.purpose is not Purpose.STAGING or own is None:
        return ()
    halves = [(context, databases, _of_erp(own))]
    if reports and context.environment.reports and context.generation.fingerprint.reports:
        half = context.of(Part.REPORTS)
        names = tuple(one.name for one in half.generation.fingerprint.databases)
        halves.append((half, names, _of_reports(reports)))
    return tuple(
        run_check(check, partial(probe, half, names))
        for half, names, declared in halves
        for check, probe in declared
    )


def foreseen_neutralised_checks(profile: Profile) -> Iterator[Check]:
    """The checks of a copy that is made with a profile, in their order."""
    own, reports = _halves(profile)
    if own is not None:
        yield from (check for check, _ in _of_erp(own))
        yield from (check for check, _ in (_of_reports(reports) if reports else ()))


def _halves(profile: Profile) -> tuple[Neutralisation | None, Neutralisation | None]:
    """What makes a copy of the ERP safe, and of its reports server."""
    reports = profile.reports.server.neutralisation if profile.reports else None
    return profile.neutralisation, reports


def _of_erp(neutralisation: Neutralisation) -> _Declared:
    for rule in neutralisation.rules:
        yield _check(rule), partial(_proved, rule)
    yield _FILES, partial(_configured, neutralisation)
    yield uncovered.CHECK, partial(_uncovered, neutralisation)
    if neutralisation.banner is not None:
        yield _PAGE, partial(_page, neutralisation.banner)


def _of_reports(neutralisation: Neutralisation) -> _Declared:
    for rule in neutralisation.rules:
        yield _check(rule, OF_REPORTS), partial(_proved, rule)
    if neutralisation.configuration:
        yield _REPORTS_FILES, partial(_reports_configured, neutralisation)
    yield _REPORTS_UNCOVERED, partial(_uncovered, neutralisation)


def problems(context: ReplayContext, database: str) -> Iterator[tuple[str, str]]:
    """What is still dangerous in a database: the rule's name, and what its proof found."""
    neutralisation = context.profile.neutralisation
    values = _values(context, database)
    with _session(context, database) as connection:
        for rule in neutralisation.rules if neutralisation is not None else ():
            for what in proved(connection, rule, values)[1]:
                yield rule.name, what


def proved(
    connection: sql.Connection, rule: NeutralisationRule, values: Mapping[str, str]
) -> tuple[int, tuple[str, ...]]:
    """How many of a rule's acts have something to look at in a database, and what was found wrong.

    ``connection`` has the settings of ``session_options``.
    """
    asked, found = 0, list[str]()
    for act in rule.acts:
        ((present,),) = sql.rows(connection, f"SELECT {condition(act.when)}")
        if not present:
            continue
        asked += 1
        if act.proof is not None:
            found += (str(row[0]) for row in sql.rows(connection, filled_sql(act.proof, values)))
        if act.clears:
            held = columns_that_hold(connection, pattern_of(act.clears))
            found += (message("{column} is not empty", column=name) for name in held)
    return asked, tuple(found)


def _check(rule: NeutralisationRule, prefix: str = PREFIX) -> Check:
    return Check(
        prefix + rule.name,
        message("Neutralised: {what}", what=Message(rule.title.en)),
        message("its proof finds nothing"),
    )


def _proved(
    rule: NeutralisationRule, context: ReplayContext, databases: tuple[str, ...]
) -> Finding:
    wrong, total = list[str](), 0
    for database in databases:
        with _session(context, database) as connection:
            asked, found = proved(connection, rule, _values(context, database))
        total += asked
        wrong += (about(database, what) for what in found)
    nothing = message("nothing of its kind in this copy")
    return passed_unless(
        wrong, plural(total, "{n} proof asked", "{n} proofs asked") if total else nothing
    )


def _configured(
    neutralisation: Neutralisation, context: ReplayContext, _databases: tuple[str, ...]
) -> Finding:
    """Whether the ERP's configuration files, as they lie there, hold what a copy needs.

    Whatever is set for copies or not: no secret of production may be left in them.
    """
    files = context.profile.configuration_of(Role.ERP)
    captured = frozenset(captured_secrets(context))
    return _files_finding(context, files, dict(neutralisation.configuration), captured)


def _reports_configured(
    neutralisation: Neutralisation, context: ReplayContext, _databases: tuple[str, ...]
) -> Finding:
    """Whether the reports server's files, as they lie there, hold what a copy needs."""
    files = {file.name: file for file in context.profile.configuration_of(Role.ERP)}
    wanted = dict(neutralisation.configuration)
    return _files_finding(context, [files[name] for name in wanted], wanted, frozenset())


def _files_finding(
    context: ReplayContext,
    files: Sequence[ConfigurationFile],
    wanted: Mapping[str, tuple[tuple[str, str], ...]],
    captured: frozenset[Secret],
) -> Finding:
    values = placeholders(target_of(context.environment), context.databases)
    wrong = list[str]()
    for file in files:
        keys = wanted.get(file.name, ())
        text = decode(context.runner.read_file(context.environment.erp.container, file.path))
        for change in reconcile(text, replace(file, set=keys), values).changes:
            wrong.append(about(file.name, message("{key} is not set for a copy", key=change.key)))
        for key in file.secrets:
            held = value_of(text, file, key)
            # What the profile itself says is no secret, whoever else says it.
            if held and held != dict(keys).get(key) and Secret(held) in captured:
                left = message("{key} is a secret of production's", key=key)
                wrong.append(about(file.name, left))
    return passed_unless(wrong, plural(len(files), "{n} file read", "{n} files read"))


def _uncovered(
    neutralisation: Neutralisation, context: ReplayContext, databases: tuple[str, ...]
) -> Finding:
    found = list[str]()
    for database in databases:
        with _session(context, database) as connection:
            dangers = uncovered.dangers(connection, neutralisation)
        found += (about(database, what) for what in dangers)
    observed = plural(
        len(found),
        "{n} column or table without a rule",
        "{n} columns and tables without a rule",
    )
    return passed_unless(found, observed, otherwise=CheckStatus.WARNING)


def _page(banner: Banner, context: ReplayContext, databases: tuple[str, ...]) -> Finding:
    environment, wrong = context.environment, list[str]()
    # Where there are several databases, a page without a login belongs to the first.
    for database in databases[:1]:
        path = filled(banner.path, _values(context, database))
        with client(environment.erp.endpoint, tls_of(environment)) as visitor:
            answer = visitor.get(path, timeout=SECONDS, follow_redirects=True)
        if banner.contains not in answer.text:
            path = f"{path} (HTTP {answer.status_code})"
            wrong.append(message("{path} does not hold {text}", path=path, text=banner.contains))
    return passed_unless(wrong, message("looked at as a visitor"))


def _session(context: ReplayContext, database: str) -> AbstractContextManager[sql.Connection]:
    if context.administrator is None:
        raise EnvironmentFailure("the copy's administrator has no password")
    options = session_options(context.administrator)
    return sql.connect(context.environment.database, database, options=options)


def _values(context: ReplayContext, database: str) -> dict[str, str]:
    return operation_values(target_of(context.environment), (database,), database)
