"""From a generation and an environment to a plan, or to a refusal that names every reason. Pure.

What the steps are and hold is told in ``steps``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from restore.errors import RefusedError, UsageError
from restore.model import ArtifactKind, DatabaseFacts, Difference, Purpose, RestorePlan, Role
from restore.model.messages import joined, message
from restore.plan import reports
from restore.plan.anonymise import anonymisation_refusals, with_anonymisation
from restore.plan.bulk import LOST
from restore.plan.equivalence import compare
from restore.plan.neutralise import UNSAFE, with_staging
from restore.plan.nodes import only_nodes, with_records
from restore.plan.operation_steps import with_operations
from restore.plan.request import (
    BulkState,
    PlanRequest,
    Refusal,
    aside_name,
    documents_folder,
    documents_of,
    temporary_name,
)
from restore.plan.steps import steps_of

_REPLACE: Final = message(
    "to lose what it holds: pra restore --replace, or 'pulumi config set replace true'",
)


def plan(request: PlanRequest) -> RestorePlan:
    """Compute the steps that replay a generation into an environment.

    Raises:
        UsageError: a database asked for is not in the generation, or the profile is wrong.
        RefusedError: the environment is not equivalent, the generation lacks something, or the
            target is not empty; names every reason.
    """
    databases = _databases(request)
    found = differences(request)
    refusals = [
        *_profile_refusals(request),
        *_blocking(found),
        *_part_refusals(request),
        *_reports_refusals(request),
    ]
    if refusals:
        head = message(
            "generation {id} can't be replayed into {target}:",
            id=request.generation.id,
            target=request.target.name,
        )
        reasons = (message("  {reason}", reason=reason) for reason, _ in refusals)
        hints = dict.fromkeys(hint for _, hint in refusals)
        raise RefusedError(joined("\n", (head, *reasons)), joined("\n", hints))
    steps = (*steps_of(request, databases), *reports.reports_steps(request, databases))
    for more in (with_staging, with_anonymisation, with_operations):
        steps = more(request, databases, steps)
    steps = with_records(request.target, steps)
    steps = only_nodes(steps, request.nodes)
    return RestorePlan(
        generation=request.generation.id,
        profile=request.profile.name,
        environment=request.target.name,
        databases=tuple(facts.name for facts in databases),
        differences=found,
        steps=steps,
        bytes=sum(step.bytes for step in steps),
    )


def _databases(request: PlanRequest) -> tuple[DatabaseFacts, ...]:
    known = request.generation.fingerprint.databases
    names = {facts.name for facts in known}
    if unknown := [name for name in request.databases if name not in names]:
        raise UsageError(
            f"generation {request.generation.id} holds no database {', '.join(unknown)}",
            f"it holds: {', '.join(sorted(names)) or 'none'}",
        )
    return tuple(f for f in known if not request.databases or f.name in request.databases)


def differences(request: PlanRequest) -> tuple[Difference, ...]:
    """Differences between the environment and what the requested databases need, accepted or not.

    Raises:
        UsageError: a database asked for is not in the generation.
    """
    fingerprint = replace(request.generation.fingerprint, databases=_databases(request))
    wrong_series = compare.series_difference(fingerprint, request.profile)
    keys = {item.key for item in wrong_series}
    compared = (
        item for item in compare.compare(fingerprint, request.facts) if item.key not in keys
    )
    found = (*wrong_series, *request.found, *compared)
    if half := reports.reports_request(request):
        others = differences(replace(half, acceptances=()))
        found = (*found, *(replace(item, key=compare.REPORTS + item.key) for item in others))
    known = [item for item in request.acceptances if compare.is_difference_key(item.key)]
    return compare.accept(compare.ordered(found), known)


def _part_refusals(request: PlanRequest) -> Iterator[Refusal]:
    if request.target.bulk is BulkState.LOST:
        yield LOST
    for facts in _databases(request):
        yield from _missing(request, facts)
    for facts in _databases(request):
        yield from _occupied(request, facts.name)


def _reports_refusals(request: PlanRequest) -> Iterator[Refusal]:
    yield from reports.lacks_reports(request)
    yield from reports.keystore_problems(request)
    if half := reports.reports_request(request):
        yield from _part_refusals(half)


def _profile_refusals(request: PlanRequest) -> Iterator[Refusal]:
    generation, profile = request.generation, request.profile
    if generation.profile != profile.name:
        yield (
            f"it was made with profile {generation.profile}, not {profile.name}",
            message("use --profile {name}", name=generation.profile),
        )
    if request.purpose is Purpose.STAGING and profile.neutralisation is None:
        yield UNSAFE
    yield from reports.unsafe_reports(request)
    yield from anonymisation_refusals(request)
    if not generation.fingerprint.databases:
        yield ("it holds no database", "choose another generation")
    # What others backed up may lack roles; those that its dumps name are made instead.
    if generation.origin is None and not generation.artifacts_of(ArtifactKind.ROLES):
        yield ("it holds no roles, which own the databases", "choose another generation")


def _blocking(differences: tuple[Difference, ...]) -> Iterator[Refusal]:
    for item in differences:
        if item.blocks:
            reason = message(
                "{key}: expected {expected}, observed {observed}: {message}",
                key=item.key,
                expected=item.expected,
                observed=item.observed,
                message=item.message,
            )
            hint = message('to go on all the same: --accept {key} --reason "…"', key=item.key)
            yield (reason, hint)


def _missing(request: PlanRequest, facts: DatabaseFacts) -> Iterator[Refusal]:
    hint = "choose another generation, or other databases"
    if facts.name in ("", ".", "..") or "/" in facts.name or "\0" in facts.name:
        yield (f"database {facts.name!r} can't have a folder of documents", hint)
    if is_empty(facts):
        empty = message("database {name} was empty: it holds no row of any table", name=facts.name)
        yield (empty, hint)
    if not request.generation.artifacts_of(ArtifactKind.DATABASE, facts.name):
        yield (f"it holds no dump of database {facts.name}", hint)
    if request.generation.origin is not None:
        # A backup without documents is judged by its rows: a check misses each one's file.
        return
    for tree in request.profile.documents:
        if documents_of(request.generation, tree, facts.name) is None:
            yield (f"it holds no documents {tree.name} of database {facts.name}", hint)


def is_empty(facts: DatabaseFacts) -> bool:
    """Whether a database is known to have had no row at all: no ERP works with such a database."""
    return "tables" not in facts.unknown and all(table.rows == 0 for table in facts.tables)


def _occupied(request: PlanRequest, database: str) -> Iterator[Refusal]:
    existing, begun = {item.name: item for item in request.target.existing}, request.target.begun
    held = existing.get(database)
    # What an earlier replay promoted and did not open is closed: nobody can have worked with it.
    left = held and held.ours and held.closed and Role.DATABASE in begun
    asked = set() if request.replace else set(request.nodes) - (begun if left else set())
    if held and Role.DATABASE in asked:
        # People may have worked with it since: the same generation is no reason to lose that.
        there = message("the target has a database {name} already", name=database)
        if held.generation == request.generation.id:
            there = message("{what}, of this very generation", what=there)
        yield (there, _REPLACE)
    for tree in request.profile.documents if Role.ERP in asked else ():
        folder = documents_folder(tree, database)
        if folder in request.target.documents:
            yield (f"the target has documents in {folder} already", _REPLACE)
    generation_id = request.generation.id
    for name in (temporary_name(database, generation_id), aside_name(database, generation_id)):
        if name in existing and not existing[name].ours:
            what = message(
                "database {name} is in the way, and this engine did not make it", name=name
            )
            yield (what, message("rename or drop {name} by hand", name=name))
