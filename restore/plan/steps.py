"""The steps that replay a generation into an environment. Pure.

Steps come in this order; each holds all that its execution needs:

| kind | target | other fields |
|---|---|---|
| ``STOP_ERP`` | the ERP server | |
| ``ROLES`` | the ERP's role, which gets the environment's password | ``source`` script, ``argv`` |
| ``ENTER_BULK_MODE`` | the server's data | ``argv``, ``changes``; see ``plan_bulk`` |
| ``CREATE_DATABASE`` | temporary name | ``argv`` (drops a leftover, creates, marks as ours) |
| ``RESTORE_DATABASE`` | temporary name | ``argv``, ``source`` dump, ``bytes``, ``items`` tables |
| ``GIVE_OWNERSHIP`` | temporary name | ``argv``; only for imported generations |
| ``ANALYZE`` | temporary name | ``argv`` |
| ``CHECK_DATABASE`` | temporary name | |
| ``LEAVE_BULK_MODE`` | the server's data | ``argv`` (brings it all to disk) |
| ``KEEP_CACHE`` | key of the cache | ``staging`` the server's data, ``argv`` (brings it to disk) |
| ``PLACE_CACHE`` | the server's data | ``staging`` volume of the cache, ``argv`` (as above) |
| ``DOCUMENTS`` | final folder | ``source``, ``staging`` folder, ``owner``, ``bytes``, ``items`` |
| ``PROMOTE_DATABASE`` | final name | ``staging`` temporary name, ``argv`` (one transaction) |
| ``PROMOTE_DOCUMENTS`` | final folder | ``staging`` folder, which replaces the target |
| ``CONFIGURATION`` | file | ``source`` (None: begin with an empty file), ``changes``, ``owner`` |
| ``OPEN_DATABASE`` | final name | ``argv`` |
| ``NEUTRALISE`` | final name | ``argv``, ``items``; a staging copy only: ``plan_staging`` |
| ``STATISTICS`` | final name | ``argv``; only for large databases, beside the ERP's start |
| ``START_ERP`` | the ERP server | |

Everything is made beside the target first; what people would see changes only in the last steps,
which rename. The database comes before its documents, as its renaming is the one that can be
refused: then nothing of the target has changed. It is renamed closed: until everything else is in
place and it is opened, nobody can connect to it, whoever starts the ERP. A replay that is killed
in between leaves no mixture that could be worked on. ``database`` is always the final name; every
``argv`` runs in the database server's container as user ``postgres``.

A cache is placed before ``ROLES``, and stands for all that makes databases aside but their
checks; ``cache.steps`` says when.

A generation that was imported may lack roles, and its dumps may say of nothing whose it is. The
roles that they name are made without any right. What nobody owns is made as a role of its own,
the loader, and then given to the ERP's.

Statistics of large databases are gathered twice: few before they are used, which takes a tenth of
the time, and all of them while the ERP starts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import Final

from restore.adapters.postgres import commands
from restore.model import Artifact, ArtifactKind, DatabaseFacts, DumpForm, Role, Step, StepKind
from restore.model.generation import CUSTOM_FILE
from restore.model.messages import message
from restore.model.node_records import MARK
from restore.plan.bulk import in_bulk_mode, is_large
from restore.plan.cache.steps import with_cache
from restore.plan.configuration.files import find_text, placeholders, reconcile
from restore.plan.request import (
    PlanRequest,
    aside_name,
    database_step,
    documents_folder,
    documents_of,
    staging_folder,
    temporary_name,
)

_FEW: Final = 10
"""Statistics target with which a large database is first analysed; PostgreSQL's own is 100."""

_SYSTEM_ROLES: Final = "pg_"
"""How the names of roles begin that every server has."""


def steps_of(request: PlanRequest, databases: tuple[DatabaseFacts, ...]) -> tuple[Step, ...]:
    """Every step, in order, for a request in which nothing is missing."""
    few = _FEW if is_large(request, databases) else None
    documents = tuple(chain.from_iterable(_documents(request, facts) for facts in databases))
    return (
        Step("stop-erp", StepKind.STOP_ERP, message("Stop the ERP server"), Role.ERP),
        *with_cache(
            request,
            tuple(_roles(request)),
            in_bulk_mode(
                request,
                databases,
                tuple(chain.from_iterable(_database(request, facts, few) for facts in databases)),
            ),
        ),
        *documents,
        *(_promote_database(request, facts) for facts in databases),
        *(_promote_documents(step) for step in documents),
        *_configuration(request, databases),
        *(_open_database(request, facts) for facts in databases),
        *_statistics(request, databases),
        Step("start-erp", StepKind.START_ERP, message("Start the ERP server"), Role.ERP),
    )


def _roles(request: PlanRequest) -> Iterator[Step]:
    step = Step(
        id="roles",
        kind=StepKind.ROLES,
        title=message("Create the roles that are missing"),
        target=request.target.configuration.erp_role,
        argv=_named_roles(request),
    )
    artifacts = request.generation.artifacts_of(ArtifactKind.ROLES)
    for one in artifacts:
        script = f"{one.folder}/roles.sql"
        yield replace(step, source=script, bytes=one.bytes, items=one.files)
    if not artifacts:
        yield step


def _named_roles(request: PlanRequest) -> tuple[str, ...]:
    """Makes the roles that an imported generation's dumps name, and the ERP's own."""
    origin, superuser = request.generation.origin, request.profile.database.superuser
    if origin is None:
        return ()
    owners = (facts.owner for facts in request.generation.fingerprint.databases)
    names = {*origin.roles, *owners, request.target.configuration.erp_role} - {"", superuser}
    made = sorted(name for name in names if not name.startswith(_SYSTEM_ROLES))
    return commands.create_roles(superuser, made)


def _database(request: PlanRequest, facts: DatabaseFacts, statistics: int | None) -> Iterator[Step]:
    name, superuser = facts.name, request.profile.database.superuser
    temporary = temporary_name(name, request.generation.id)
    erp_role = request.target.configuration.erp_role
    loader = temporary if request.generation.origin is not None else None
    new = commands.NewDatabase(
        name=temporary,
        owner=facts.owner or erp_role,
        encoding=facts.encoding,
        collate=facts.collate,
        ctype=facts.ctype,
        comment=MARK + request.generation.id,
        loader=loader,
        locale=facts.locale,
    )
    artifact = request.generation.artifacts_of(ArtifactKind.DATABASE, name)[0]
    tables = len(facts.tables)
    yield database_step(
        StepKind.CREATE_DATABASE,
        name,
        message("Create database {name} under a temporary name", name=name),
        commands.create_database(superuser, new),
        target=temporary,
    )
    title = message("Restore database {name}", name=name)
    argv = _restore(request, artifact, temporary, loader)
    moved = {"source": artifact.folder, "bytes": artifact.bytes, "items": tables}
    yield database_step(StepKind.RESTORE_DATABASE, name, title, argv, target=temporary, **moved)
    if loader is not None:
        title = message("Give what nobody owns in database {name} to the ERP's role", name=name)
        argv = commands.give_ownership(superuser, temporary, loader, erp_role)
        yield database_step(StepKind.GIVE_OWNERSHIP, name, title, argv, target=temporary)
    title = message("Gather statistics of database {name}", name=name)
    argv = commands.analyze(superuser, temporary, request.jobs, statistics)
    yield database_step(StepKind.ANALYZE, name, title, argv, target=temporary, items=tables)
    title = message("Check database {name}", name=name)
    yield database_step(StepKind.CHECK_DATABASE, name, title, target=temporary, items=tables)


def _statistics(request: PlanRequest, databases: tuple[DatabaseFacts, ...]) -> Iterator[Step]:
    for facts in databases if is_large(request, databases) else ():
        name, tables = facts.name, len(facts.tables)
        title = message("Gather all statistics of database {name}", name=name)
        argv = commands.analyze(request.profile.database.superuser, name, request.jobs)
        yield database_step(StepKind.STATISTICS, name, title, argv, items=tables)


def _restore(
    request: PlanRequest, artifact: Artifact, database: str, loader: str | None
) -> tuple[str, ...]:
    superuser = request.profile.database.superuser
    folder = f"{request.target.repository}/generations/{request.generation.id}/{artifact.folder}"
    if artifact.form is DumpForm.PLAIN:
        return commands.load_plain(superuser, database, loader or "")
    dump = f"{folder}/{CUSTOM_FILE}" if artifact.form is DumpForm.CUSTOM else folder
    return commands.restore_database(superuser, database, dump, request.jobs, loader)


def _documents(request: PlanRequest, facts: DatabaseFacts) -> Iterator[Step]:
    for tree in request.profile.documents:
        artifact = documents_of(request.generation, tree, facts.name)
        if artifact is None:
            continue
        folder = documents_folder(tree, facts.name)
        yield Step(
            id=f"documents:{tree.name}:{facts.name}",
            kind=StepKind.DOCUMENTS,
            title=message(
                "Copy documents {tree} of database {name} aside", tree=tree.name, name=facts.name
            ),
            target=folder,
            database=facts.name,
            source=artifact.folder,
            staging=staging_folder(folder, request.generation.id),
            owner=request.profile.erp.user,
            bytes=artifact.bytes,
            items=artifact.files,
        )


def _configuration(request: PlanRequest, databases: tuple[DatabaseFacts, ...]) -> Iterator[Step]:
    """The ERP's files; those of the database server are laid when it is made."""
    values = placeholders(request.target.configuration, [facts.name for facts in databases])
    for file in request.profile.configuration_of(Role.ERP):
        held = find_text(request.texts, file)
        reconciled = reconcile(held.text if held else "", file, values)
        yield Step(
            id=f"configuration:{file.name}",
            kind=StepKind.CONFIGURATION,
            title=message("Adapt and lay configuration file {name}", name=file.name),
            target=file.path,
            source=held.source if held else None,
            owner=request.profile.erp.user,
            items=1,
            changes=reconciled.changes,
        )


def _promote_database(request: PlanRequest, facts: DatabaseFacts) -> Step:
    name, generation = facts.name, request.generation.id
    temporary, aside = temporary_name(name, generation), None
    title = message("Give database {name} its name", name=name)
    if any(item.name == name for item in request.target.existing):
        title = message("Replace database {name}", name=name)
        aside = aside_name(name, generation)
    promotion = commands.Promotion(temporary=temporary, final=name, aside=aside)
    argv = commands.promote_database(request.profile.database.superuser, promotion)
    return database_step(StepKind.PROMOTE_DATABASE, name, title, argv, staging=temporary)


def _open_database(request: PlanRequest, facts: DatabaseFacts) -> Step:
    title = message("Open database {name}", name=facts.name)
    argv = commands.open_database(request.profile.database.superuser, facts.name)
    return database_step(StepKind.OPEN_DATABASE, facts.name, title, argv)


def _promote_documents(step: Step) -> Step:
    _, tree, database = step.id.split(":", 2)
    return replace(
        step,
        id=f"promote-documents:{tree}:{database}",
        kind=StepKind.PROMOTE_DOCUMENTS,
        title=message("Put documents {tree} of database {name} in place", tree=tree, name=database),
        source=None,
        bytes=0,
    )
