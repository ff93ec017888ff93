"""The checks that a restore will be judged by, before anything is there to look at. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from restore.checks import check_ids, started_check
from restore.checks.base import Check
from restore.checks.certificate import foreseen_certificate_checks
from restore.checks.database import foreseen_database_checks
from restore.checks.documents import DocumentSet, attachments_check, orphans_check
from restore.checks.indexed import index_check
from restore.checks.isolation import foreseen_isolation_checks
from restore.checks.nodes import nodes_check
from restore.checks.operation_checks import foreseen_operation_checks
from restore.checks.reports import foreseen_reports_checks
from restore.checks.served import served_check
from restore.checks.web import foreseen_scenario_checks
from restore.model import Generation
from restore.model.parts import reports_generation
from restore.profile import Profile


def foreseen_checks(
    generation: Generation, profile: Profile, databases: tuple[str, ...], erp_role: str
) -> tuple[Check, ...]:
    """Every check that a replay of these databases runs, in order; none is ever left out.

    Args:
        erp_role: the database role that the ERP logs in with.
    """
    known = {check.id: check for check in _described(generation, profile, databases, erp_role)}
    ids = check_ids(profile, databases, generation)
    return tuple(known.get(id_, Check(id_, id_, "")) for id_ in ids)


def _described(
    generation: Generation, profile: Profile, databases: tuple[str, ...], erp_role: str
) -> Iterator[Check]:
    for facts in generation.fingerprint.databases:
        yield from foreseen_database_checks(facts, erp_role)
    reports = reports_generation(generation)
    for facts in reports.fingerprint.databases if reports else ():
        yield from foreseen_database_checks(facts, facts.owner)
    yield started_check(profile, generation.fingerprint.erp_series)
    for name in databases:
        for tree in profile.documents:
            documents = DocumentSet(tree, name)
            if tree.rows is None:
                yield index_check(documents)
                continue
            yield from (
                attachments_check(documents),
                orphans_check(documents),
                served_check(documents),
            )
    yield from foreseen_reports_checks(profile, generation, databases)
    yield from foreseen_certificate_checks(generation)
    yield from foreseen_scenario_checks(profile.web)
    yield from foreseen_operation_checks(profile, databases)
    yield from foreseen_isolation_checks()
    yield nodes_check(generation.id)
