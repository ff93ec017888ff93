"""What a plan depends on, and the temporary names under which things are made. Pure."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from restore import model
from restore.anonymise.rules import Rules
from restore.model.messages import message
from restore.model.node_records import MARK
from restore.model.parts import reports_generation, stored_name
from restore.model.secret import Secret
from restore.plan.configuration.files import ConfigurationTexts, Target, target_of
from restore.profile import DocumentTree, Profile

LONGEST_NAME: Final = 63
"""Bytes of a PostgreSQL identifier."""

MANY_FILES: Final = 20_000
MANY_BYTES: Final = 1 << 30
"""From how many on documents are read once, since reading them twice takes more than seconds."""

BULK_FROM: Final = 256 << 20
"""Bytes of databases below which nothing is won."""

RESTART_FROM: Final = 1 << 29
"""Bytes of databases from which WAL is worth being made minimal, which needs two restarts."""

LATER: Final = message("(chosen by the stack)")
"""Stands in a plan for what only the stack will know."""


class BulkState(StrEnum):
    """What the file ``bulk.KEPT`` of a database server says.

    ``LEFT``: a replay was cut short, and the machine has run ever since: nothing is lost.
    ``LOST``: the machine was restarted meanwhile; what was not on disk may be gone.
    """

    NONE = "none"
    LEFT = "left"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Resources:
    """What a database server may use: memory in bytes, and processors."""

    memory: int
    cores: int


SMALL: Final = Resources(2 << 30, 2)
"""What is supposed of a machine that can't be asked."""


Refusal = tuple[str, str]
"""Why there is no plan, and what to do about it."""


@dataclass(frozen=True, slots=True)
class ExistingDatabase:
    """A database that the environment holds. ``ours`` when its comment says so (``is_ours``).

    ``generation`` is then the one that it was restored from.
    """

    name: str
    ours: bool
    generation: str = ""
    closed: bool = False
    """Whether nobody can connect to it: it was promoted, and what belongs to it was not."""


@dataclass(frozen=True, slots=True)
class PlanTarget:
    """The environment that a plan is for.

    ``repository`` is where its database container sees the backup repository; ``documents`` are
    the folders of documents in which there are files already.
    """

    name: str
    repository: str
    configuration: Target
    existing: tuple[ExistingDatabase, ...] = ()
    documents: tuple[str, ...] = ()
    reports: PlanTarget | None = None
    """The reports server's half of the environment; None where there is none."""
    proxy: bool = False
    """Whether a reverse proxy of its own stands before the ERP."""
    resources: Resources = SMALL
    """What its database server may use."""
    begun: frozenset[model.Role] = frozenset()
    """The nodes, the half's own two, into which a replay that did not end was under way."""
    bulk: BulkState = BulkState.NONE
    """Whether a replay that was cut short left its database server in bulk mode."""
    cache: model.CacheUse | None = None
    """Which cache of its database server's data is placed, or made; None does neither."""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """All that a plan depends on.

    ``databases`` restricts it to some; empty means all. ``replace`` allows databases and documents
    that are there already to be replaced, whoever made them: people may have worked with them.
    ``nodes`` are those that are replayed: what others hold is in nobody's way. ``acceptances`` that
    name a check are of no concern here. A plan for ``STAGING`` makes the copy safe before the ERP
    starts. ``bulk_from`` and ``restart_from`` are the sizes of
    databases, in bytes, from which they are loaded in bulk mode, and with minimal WAL.
    """

    generation: model.Generation
    profile: Profile
    texts: ConfigurationTexts
    facts: model.EnvironmentFacts
    target: PlanTarget
    acceptances: tuple[model.Acceptance, ...] = ()
    databases: tuple[str, ...] = ()
    replace: bool = False
    jobs: int = 2
    nodes: tuple[model.Role, ...] = tuple(model.Role)
    found: tuple[model.Difference, ...] = ()
    """Differences that only a look at files or at the certificate tells."""
    bulk_from: int = BULK_FROM
    restart_from: int = RESTART_FROM
    purpose: model.Purpose = model.Purpose.RECOVERY
    anonymise: Rules | None = None
    """The rules by which a staging copy is anonymised; None when it is not."""


def is_ours(comment: str | None) -> bool:
    """Whether a database's comment says that the engine made it."""
    return comment is not None and comment.startswith(MARK)


def standing_target(
    environment: model.Environment,
    existing: tuple[ExistingDatabase, ...] = (),
    documents: tuple[str, ...] = (),
    reports: PlanTarget | None = None,
    *,
    proxy: bool = False,
) -> PlanTarget:
    """The target of a plan for an environment that stands, with what it holds."""
    return PlanTarget(
        name=environment.stack,
        repository=environment.database.repository,
        configuration=target_of(environment),
        existing=existing,
        documents=documents,
        reports=reports,
        proxy=proxy,
    )


def with_begun(target: PlanTarget, begun: frozenset[model.Role]) -> PlanTarget:
    """A target that knows into which of its nodes an unfinished replay was under way."""
    reports = target.reports
    if reports is not None:
        reports = replace(reports, begun=frozenset(role.as_erp for role in begun if role.as_erp))
    return replace(target, begun=begun & {model.Role.DATABASE, model.Role.ERP}, reports=reports)


def foreseen_target(name: str, blueprint: model.Blueprint, repository: str) -> PlanTarget:
    """The target of a plan for an environment that is not made yet; its addresses come later."""
    return PlanTarget(
        name=name,
        repository=repository,
        configuration=Target(
            database_address=LATER,
            database_port=blueprint.database.port,
            erp_role=blueprint.erp_role,
            erp_password=Secret(LATER),
            external_url=LATER,
        ),
        reports=foreseen_target(name, blueprint.reports, repository) if blueprint.reports else None,
        proxy=True,
    )


def temporary_name(database: str, generation_id: str, infix: str = "__pra_") -> str:
    """The name under which a database is made before its promotion, of 63 bytes at most."""
    suffix = infix + generation_id[-6:]
    room = LONGEST_NAME - len(suffix)
    if len(database.encode()) <= room:
        return database + suffix
    # Names that begin alike stay different.
    digest = "_" + hashlib.sha256(database.encode()).hexdigest()[:8]
    cut = database.encode()[: room - len(digest)].decode(errors="ignore")
    return cut + digest + suffix


def staging_folder(folder: str, generation_id: str) -> str:
    """The folder beside ``folder`` in which its content is made before its promotion."""
    parent, name = posixpath.split(folder.rstrip("/"))
    return posixpath.join(parent, f".{name}.pra-{generation_id[-6:]}")


def aside_name(database: str, generation_id: str) -> str:
    """The name that a database which is there already has while it is replaced."""
    return temporary_name(database, generation_id, "__pra_old_")


def database_step(
    kind: model.StepKind,
    name: str,
    title: str,
    argv: tuple[str, ...] = (),
    *,
    target: str = "",
    **more: Any,
) -> model.Step:
    """A step about a database, by its final name, which is the target unless another one is."""
    id_ = f"{kind.value}:{name}"
    return model.Step(id_, kind, title, target or name, name, argv=argv, **more)


def before_start(
    steps: tuple[model.Step, ...], added: Iterable[model.Step]
) -> tuple[model.Step, ...]:
    """A plan's steps with others inserted before the ERP's start; at the end without a start.

    Everything has its final name there, and nothing of the ERP runs.
    """
    begins = (model.StepKind.STATISTICS, model.StepKind.START_ERP)
    at = next(
        (n for n, step in enumerate(steps) if step.kind in begins and step.part is model.Part.ERP),
        len(steps),
    )
    return (*steps[:at], *added, *steps[at:])


def documents_folder(tree: DocumentTree, database: str) -> str:
    """Where a tree's documents of a database lie in the ERP's container."""
    return tree.path.replace("{database}", database)


def copied_documents(
    generation: model.Generation,
    profile: Profile,
    databases: tuple[str, ...],
    nodes: tuple[model.Role, ...],
) -> frozenset[str]:
    """The artefacts, by name, whose many documents a plan for these databases and nodes copies.

    They are read once: each is compared while it is copied aside. A few are compared before
    anything is made.
    """
    found: set[str] = set()
    if model.Role.ERP in nodes:
        found |= _copied(generation, profile, databases)
    reports = reports_generation(generation)
    if reports is not None and profile.reports is not None and model.Role.REPORTS in nodes:
        found |= {stored_name(name) for name in _copied(reports, profile.reports.server, ())}
    return frozenset(found)


def _copied(generation: model.Generation, profile: Profile, databases: tuple[str, ...]) -> set[str]:
    return {
        one.name
        for tree in profile.documents
        for facts in generation.fingerprint.databases
        if not databases or facts.name in databases
        if (one := documents_of(generation, tree, facts.name))
        if one.files >= MANY_FILES or one.bytes >= MANY_BYTES
    }


def documents_of(
    generation: model.Generation, tree: DocumentTree, database: str
) -> model.Artifact | None:
    """The artefact that holds a tree's documents of a database."""
    held = generation.artifacts_of(model.ArtifactKind.DOCUMENTS, database)
    return next((one for one in held if one.name == f"{tree.name}-{database}"), None)
