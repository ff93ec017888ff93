"""Whether a staging copy is safe: each rule's proof, asked again once the ERP has run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from typing import Final

from restore.adapters.postgres import sql
from restore.adapters.postgres.columns import pattern_of
from restore.checks import uncovered
from restore.checks.base import (
    Check,
    Finding,
    about,
    passed_unless,
    run_check,
)
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


def neutralised_checks(
    context: ReplayContext, databases: tuple[str, ...]
) -> tuple[CheckResult, ...]:
    """Ask every restored database for each rule's proof; nothing for a recovery."""
    neutralisation = context.profile.neutralisation
    if context.purpose is not Purpose.STAGING or neutralisation is None:
        return ()
    return (*_erp(context, neutralisation, databases), *_reports(context))


def _reports(context: ReplayContext) -> Iterator[CheckResult]:
    """The same for the databases of its reports server, if it has one."""
    if context.profile.reports is None or context.environment.reports is None:
        return
    if context.generation.fingerprint.reports is None:
        return
    half = context.of(Part.REPORTS)
    neutralisation = half.profile.neutralisation
    if neutralisation is None:
        return
    names = tuple(one.name for one in half.generation.fingerprint.databases)
    for rule in neutralisation.rules:
        yield run_check(_check(rule, OF_REPORTS), partial(_proved, half, rule, names))
    if neutralisation.configuration:
        yield run_check(_REPORTS_FILES, partial(_reports_configured, half, neutralisation))
    yield run_check(_REPORTS_UNCOVERED, partial(_uncovered, half, neutralisation, names))


def _erp(
    context: ReplayContext, neutralisation: Neutralisation, databases: tuple[str, ...]
) -> tuple[CheckResult, ...]:
    found = [
        run_check(_check(rule), partial(_proved, context, rule, databases))
        for rule in neutralisation.rules
    ]
    found.append(run_check(_FILES, partial(_configured, context, neutralisation)))
    about = partial(_uncovered, context, neutralisation, databases)
    found.append(run_check(uncovered.CHECK, about))
    if neutralisation.banner is not None:
        found.append(run_check(_PAGE, partial(_page, context, neutralisation.banner, databases)))
    return tuple(found)


def foreseen_neutralised_checks(profile: Profile) -> tuple[Check, ...]:
    """The checks of a copy that is made with a profile, in their order."""
    if profile.neutralisation is None:
        return ()
    page = (_PAGE,) if profile.neutralisation.banner is not None else ()
    erp = (*map(_check, profile.neutralisation.rules), _FILES, uncovered.CHECK, *page)
    return (*erp, *_foreseen_of_reports(profile))


def _foreseen_of_reports(profile: Profile) -> Iterator[Check]:
    neutralisation = profile.reports.server.neutralisation if profile.reports else None
    if neutralisation is None:
        return
    yield from (_check(rule, OF_REPORTS) for rule in neutralisation.rules)
    if neutralisation.configuration:
        yield _REPORTS_FILES
    yield _REPORTS_UNCOVERED


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
    context: ReplayContext, rule: NeutralisationRule, databases: tuple[str, ...]
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


def _configured(context: ReplayContext, neutralisation: Neutralisation) -> Finding:
    """Whether the ERP's configuration files, as they lie there, hold what a copy needs.

    Whatever is set for copies or not: no secret of production may be left in them.
    """
    wanted, captured = dict(neutralisation.configuration), frozenset(captured_secrets(context))
    files = context.profile.configuration_of(Role.ERP)
    wrong = list[str]()
    for file in files:
        keys = wanted.get(file.name, ())
        text = _text(context, file)
        wrong += _not_set(context, file, text, keys)
        for key in file.secrets:
            held = value_of(text, file, key)
            # What the profile itself says is no secret, whoever else says it.
            if held and held != dict(keys).get(key) and Secret(held) in captured:
                wrong.append(
                    about(file.name, message("{key} is a secret of production's", key=key))
                )
    return passed_unless(wrong, plural(len(files), "{n} file read", "{n} files read"))


def _reports_configured(context: ReplayContext, neutralisation: Neutralisation) -> Finding:
    """Whether the reports server's files, as they lie there, hold what a copy needs."""
    files = {file.name: file for file in context.profile.configuration_of(Role.ERP)}
    wrong = list[str]()
    for name, keys in neutralisation.configuration:
        wrong += _not_set(context, files[name], _text(context, files[name]), keys)
    number = len(neutralisation.configuration)
    return passed_unless(wrong, plural(number, "{n} file read", "{n} files read"))


def _text(context: ReplayContext, file: ConfigurationFile) -> str:
    return decode(context.runner.read_file(context.environment.erp.container, file.path))


def _not_set(
    context: ReplayContext, file: ConfigurationFile, text: str, keys: tuple[tuple[str, str], ...]
) -> Iterator[str]:
    """The keys of a copy that a file does not hold as it should."""
    values = placeholders(target_of(context.environment), context.databases)
    for change in reconcile(text, replace(file, set=keys), values).changes:
        yield about(file.name, message("{key} is not set for a copy", key=change.key))


def _uncovered(
    context: ReplayContext, neutralisation: Neutralisation, databases: tuple[str, ...]
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


def _page(context: ReplayContext, banner: Banner, databases: tuple[str, ...]) -> Finding:
    environment, wrong = context.environment, list[str]()
    # Where there are several databases, a page without a login belongs to the first.
    for database in databases[:1]:
        path = filled(banner.path, _values(context, database))
        with client(environment.erp.endpoint, tls_of(environment)) as visitor:
            answer = visitor.get(path, timeout=SECONDS, follow_redirects=True)
        if banner.contains not in answer.text:
            wrong.append(
                message(
                    "{path} does not hold {text}",
                    path=f"{path} (HTTP {answer.status_code})",
                    text=banner.contains,
                )
            )
    return passed_unless(wrong, message("looked at as a visitor"))


def _session(context: ReplayContext, database: str) -> AbstractContextManager[sql.Connection]:
    if context.administrator is None:
        raise EnvironmentFailure("the copy's administrator has no password")
    options = session_options(context.administrator)
    return sql.connect(context.environment.database, database, options=options)


def _values(context: ReplayContext, database: str) -> dict[str, str]:
    return operation_values(target_of(context.environment), (database,), database)
