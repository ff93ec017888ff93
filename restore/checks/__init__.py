"""What is checked once the restored ERP runs: its server, its documents, its pages.

The database itself is checked before, under its temporary name, by a step of the plan.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import replace

from restore.adapters.docker.facts import read_erp_facts
from restore.adapters.docker.health import read_health
from restore.checks.base import (
    Check,
    Finding,
    run_check,
    started_finding,
    unknown_reason,
    unverifiable,
    with_acceptances,
)
from restore.checks.certificate import certificate_checks, foreseen_certificate_checks
from restore.checks.database import TABLES, foreseen_database_checks
from restore.checks.documents import DocumentSet, document_checks, indexed_check
from restore.checks.isolation import PROBES as ISOLATION
from restore.checks.isolation import isolation_checks
from restore.checks.neutralised import foreseen_neutralised_checks, neutralised_checks
from restore.checks.nodes import check_nodes, nodes_check
from restore.checks.objects import foreseen_settings_checks, settings_checks
from restore.checks.operation_checks import foreseen_operation_checks, operation_checks
from restore.checks.passwords import PASSWORDS, password_checks
from restore.checks.reports import foreseen_reports_checks, reports_checks
from restore.checks.served import served_check
from restore.checks.tls import tls_of
from restore.checks.web import foreseen_scenario_checks, scenario_checks
from restore.context import ReplayContext
from restore.model import (
    Acceptance,
    CheckResult,
    CheckStatus,
    Credentials,
    Generation,
    Purpose,
    Role,
)
from restore.model.messages import message
from restore.model.parts import reports_generation
from restore.profile import Profile


def run_checks(
    context: ReplayContext,
    credentials: Credentials | None,
    accepted: tuple[Acceptance, ...] = (),
    databases: tuple[str, ...] = (),
) -> tuple[CheckResult, ...]:
    """Check an environment whose ERP has been started; never raises for what it finds.

    Args:
        credentials: the account to log in with; without one, what needs it is unverifiable.
        accepted: checks whose failure is ignored, each with the written reason.
        databases: those that were restored; every one of the generation when empty.
    """
    names = databases or tuple(facts.name for facts in context.generation.fingerprint.databases)
    # What goes nowhere takes its time: meanwhile, the rest is looked at.
    with ThreadPoolExecutor(max_workers=1) as pool:
        isolation = pool.submit(copy_context().run, isolation_checks, context)
        results = content_checks(context, credentials, names)
    results += isolation.result()
    results.append(check_nodes(context))
    return with_acceptances(tuple(results), accepted)


def content_checks(
    context: ReplayContext, credentials: Credentials | None, names: tuple[str, ...]
) -> list[CheckResult]:
    """Whether the ERP runs, and shows what was restored."""
    started = started_check(context.profile, context.generation.fingerprint.erp_series)
    results = [run_check(started, lambda: _started(context))]
    results += settings_checks(context, names)
    results += neutralised_checks(context, names)
    results += password_checks(context)
    for documents in _document_sets(context.profile, names):
        if documents.tree.rows is None:
            results.append(indexed_check(context, documents))
            continue
        results += document_checks(context, documents)
        results.append(served_check(context, documents, credentials))
    results += reports_checks(context, names)
    results += certificate_checks(context)
    url, scenario = context.environment.erp.endpoint, context.profile.web
    tls = tls_of(context.environment)
    for database in names[:1]:
        results += scenario_checks(url, database, scenario, credentials, tls)
    results += operation_checks(context, names)
    return results


def checks_left_out(
    results: tuple[CheckResult, ...], foreseen: Iterable[Check], nodes: tuple[Role, ...]
) -> Iterator[CheckResult]:
    """The decisive checks that never ran, as what they are: without an answer.

    Args:
        nodes: those that were replayed; where they are some, no database need be among them.
    """
    ran = {result.id for result in results}
    whole = set(nodes) == set(Role)
    wanted = [check for check in foreseen if check.decisive]
    if not any(check.id.startswith(TABLES) for check in wanted):
        wanted.append(Check(TABLES, message("Tables and their rows"), "", decisive=True))
    for check in wanted:
        if check.id not in ran and (whole or not check.id.startswith(TABLES)):
            yield unverifiable(check, message("it never ran"))


def check_ids(
    profile: Profile,
    databases: tuple[str, ...],
    generation: Generation | None = None,
    purpose: Purpose = Purpose.RECOVERY,
) -> tuple[str, ...]:
    """The ids of every check that a replay of these databases runs, for validating acceptances.

    Args:
        generation: what tells of a reports server; without one, its checks are not among them.
    """
    return tuple(one.id for one in foreseen_checks(profile, databases, generation, purpose))


def foreseen_checks(
    profile: Profile,
    databases: tuple[str, ...],
    generation: Generation | None = None,
    purpose: Purpose = Purpose.RECOVERY,
    erp_role: str = "",
) -> Iterator[Check]:
    """Every check that a replay of these databases runs, in order, before there is a server.

    Args:
        generation: tells what is expected, and of a reports server and a certificate.
        erp_role: the database role that the ERP logs in with.
    """
    told = {facts.name: facts for facts in generation.fingerprint.databases} if generation else {}
    for name in databases:
        yield from foreseen_database_checks(name, told.get(name), erp_role)
    reports = reports_generation(generation) if generation else None
    for facts in reports.fingerprint.databases if reports else ():
        yield from foreseen_database_checks(facts.name, facts, facts.owner)
    yield started_check(profile, generation.fingerprint.erp_series if generation else "")
    yield from foreseen_settings_checks(databases)
    if purpose is Purpose.STAGING:
        yield from foreseen_neutralised_checks(profile)
        yield PASSWORDS
    for documents in _document_sets(profile, databases):
        yield from documents.checks
    if generation is not None:
        yield from foreseen_reports_checks(profile, generation, databases)
        yield from foreseen_certificate_checks(generation)
    yield from foreseen_scenario_checks(profile.web)
    yield from foreseen_operation_checks(profile, databases)
    yield from ISOLATION
    yield nodes_check(generation.id if generation else "")


def _document_sets(profile: Profile, databases: tuple[str, ...]) -> tuple[DocumentSet, ...]:
    return tuple(DocumentSet(tree, name) for name in databases for tree in profile.documents)


def started_check(profile: Profile, series: str) -> Check:
    """Whether the ERP runs, before it is looked at. ``series`` is empty when it is unknown."""
    expected = (
        message("healthy, version {version}", version=series) if series else message("healthy")
    )
    title = message("{product} runs", product=profile.title)
    return Check("erp.started", title, expected, decisive=True)


def _started(context: ReplayContext) -> Finding:
    container = context.environment.erp.container
    state = read_health(context.runner, container)
    facts, series = read_erp_facts(context.runner, container, context.profile)
    wanted = context.generation.fingerprint.erp_series
    finding = started_finding(state, facts.version, series, wanted)
    if wanted or finding.status is not CheckStatus.PASSED:
        return finding
    untold = unknown_reason(message("the ERP's version"))
    return replace(finding, status=CheckStatus.WARNING, details=(untold,))
