"""The values that travel between the engine's stages. All are frozen; none does I/O.

Times are timezone-aware UTC. Durations are seconds. Sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from restore.secret import Secret


class ArtifactKind(StrEnum):
    """What an artefact holds."""

    DATABASE = "database"
    ROLES = "roles"
    DOCUMENTS = "documents"
    CONFIGURATION = "configuration"
    KEYSTORE = "keystore"


class Part(StrEnum):
    """The halves of an environment: each a server with a PostgreSQL server of its own."""

    ERP = "erp"
    REPORTS = "reports"


class DumpForm(StrEnum):
    """In which form a database's artefact holds its dump."""

    DIRECTORY = "directory"
    """``pg_dump -Fd``: what a capture makes."""
    CUSTOM = "custom"
    """``pg_dump -Fc``: one file, ``CUSTOM_FILE``."""
    PLAIN = "plain"
    """``pg_dump -Fp``: one file of SQL, ``PLAIN_FILE``."""


CUSTOM_FILE: Final = "dump"
PLAIN_FILE: Final = "dump.sql"


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of an artefact, as its index records it.

    ``path`` is relative to the artefact's folder, with ``/`` separators. ``owner``, ``group`` and
    ``mode`` are those of production (numeric), for documents and configuration; ``modified`` is
    in seconds since the epoch.
    """

    path: str
    size: int
    sha256: str
    owner: int | None = None
    group: int | None = None
    mode: int | None = None
    modified: float | None = None


@dataclass(frozen=True, slots=True)
class Artifact:
    """One part of a generation: a folder of files with an index.

    ``folder`` and ``index`` are relative to the generation's root. ``location`` is where the files
    lived in production; ``part`` is whose it is. The files' list itself is read from the index as a
    stream (``repository.read_index``), since there can be millions. ``form`` is a database's alone.
    """

    name: str
    kind: ArtifactKind
    database: str | None
    location: str
    folder: str
    index: str
    index_sha256: str
    files: int
    bytes: int
    form: DumpForm = DumpForm.DIRECTORY
    part: Part = Part.ERP


@dataclass(frozen=True, slots=True)
class Versioned:
    """A named thing with its version: an extension, a module, a collation. Empty when unknown."""

    name: str
    version: str


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """The container image that a server ran from. ``digests`` is empty for a local build."""

    reference: str
    id: str
    digests: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableFacts:
    """A table and its number of rows at the consistency point; None when the backup is mute."""

    schema: str
    name: str
    rows: int | None


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What must come back for one database.

    ``unknown`` names the fields that a backup made by others does not tell; they are then empty or
    0, and mean nothing.
    """

    name: str
    owner: str
    encoding: str
    collate: str
    ctype: str
    collation_version: str | None
    size: int
    extensions: tuple[Versioned, ...]
    modules: tuple[Versioned, ...]
    tables: tuple[TableFacts, ...]
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """A server's version, operating system and image. ``version_number`` is 0 when unknown."""

    version: str
    version_number: int
    os: str | None
    image: ImageFacts | None


@dataclass(frozen=True, slots=True)
class DataSource:
    """A JDBC data source of a reports server's repository; its password is never read."""

    uri: str
    url: str
    user: str


@dataclass(frozen=True, slots=True)
class KeystoreFile:
    """A file of the keystore that encrypts the passwords in a reports server's repository."""

    name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ReportsFacts:
    """What production's reports server was, with its own database server.

    ``server`` reads like the ERP's own fingerprint, the reports server in the place of the ERP.
    ``keystore`` is that of the moment at which the repository was dumped; empty when the server
    has none.
    """

    server: Fingerprint
    resources: tuple[str, ...]
    data_sources: tuple[DataSource, ...]
    keystore: tuple[KeystoreFile, ...]


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """What production was when the generation was made.

    ``erp.version`` is the full version and ``erp_series`` the part that decides compatibility;
    both are empty when unknown. ``reports`` is None where there is no reports server.
    """

    postgresql: ServerFacts
    erp: ServerFacts
    erp_series: str
    databases: tuple[DatabaseFacts, ...]
    reports: ReportsFacts | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """The backup made by others that a generation was imported from.

    ``layout`` is how it was laid out and ``path`` where it lay. ``roles`` are those that its dumps
    name; nothing but their names is known. ``unknown`` names what the whole backup does not tell.
    """

    layout: str
    path: str
    imported: datetime
    roles: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Generation:
    """One consistent set of artefacts. ``root`` is its folder; it is only ever read.

    ``origin`` is None for what the engine captured itself.
    """

    id: str
    profile: str
    started: datetime
    finished: datetime
    consistency_point: datetime
    engine_version: str
    fingerprint: Fingerprint
    artifacts: tuple[Artifact, ...]
    root: Path
    origin: Origin | None = None

    @property
    def bytes(self) -> int:
        """Size of all artefacts."""
        return sum(artifact.bytes for artifact in self.artifacts)

    def artifacts_of(
        self, kind: ArtifactKind, database: str | None = None, part: Part = Part.ERP
    ) -> tuple[Artifact, ...]:
        """The artefacts of a kind, of one part; of one database when it is named."""
        return tuple(
            artifact
            for artifact in self.artifacts
            if artifact.kind is kind
            and artifact.part is part
            and database in (None, artifact.database)
        )


@dataclass(frozen=True, slots=True)
class EnvironmentFacts:
    """What an environment offers, observed or predicted from its images.

    ``None`` means not known yet: before the rebuild, only what an image declares is known.
    """

    postgresql: ServerFacts
    erp: ServerFacts
    erp_series: str
    extensions: tuple[Versioned, ...] | None = None
    collations: tuple[Versioned, ...] | None = None
    encodings: tuple[str, ...] | None = None
    modules: tuple[str, ...] | None = None
    reports: EnvironmentFacts | None = None
    """The same of the reports server and its database server; None where there is none."""


class Severity(StrEnum):
    """What a difference does to a plan."""

    BLOCKING = "blocking"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which an environment is not what the backup needs.

    ``key`` names it on the command line (``--accept KEY``), for example ``postgresql.major`` or
    ``erp.module:sale``.
    """

    key: str
    severity: Severity
    expected: str
    observed: str
    message: str
    accepted: str | None = None
    """The written reason for which the user accepts it."""

    @property
    def blocks(self) -> bool:
        """Whether it stops the plan."""
        return self.severity is Severity.BLOCKING and self.accepted is None


@dataclass(frozen=True, slots=True)
class Acceptance:
    """A difference or a check that the user accepts, with the written reason."""

    key: str
    reason: str


class Role(StrEnum):
    """The servers of an environment."""

    DATABASE = "database"
    ERP = "erp"
    PROXY = "proxy"
    REPORTS_DATABASE = "reports-database"
    REPORTS = "reports"

    @property
    def setting(self) -> str:
        """How names of settings begin that are about this server: ``reportsDatabase``."""
        first, *others = self.value.split("-")
        return first + "".join(word.capitalize() for word in others)


@dataclass(frozen=True, slots=True)
class DatabaseServer:
    """A PostgreSQL server that the engine may use.

    ``superuser`` logs in over ``address``:``port`` with ``password``. ``erp_role`` is the role
    that the ERP server uses, with ``erp_password``. ``repository`` is where the container sees the
    backup repository, read-only.
    """

    container: str
    address: str
    port: int
    superuser: str
    password: Secret
    erp_role: str
    erp_password: Secret
    repository: str


@dataclass(frozen=True, slots=True)
class ErpServer:
    """An ERP server: its container and the URL at which this machine reaches it."""

    container: str
    address: str
    port: int
    url: str


@dataclass(frozen=True, slots=True)
class Environment:
    """A rebuilt environment that stands, as its stack's outputs describe it.

    ``reports`` describes the reports server and its database server in the same words, the reports
    server in the place of the ERP; None where there is none.
    """

    stack: str
    network: str
    database: DatabaseServer
    erp: ErpServer
    external_url: str
    reports: Environment | None = None


class StepKind(StrEnum):
    """What a step of a plan does."""

    STOP_ERP = "stop-erp"
    ROLES = "roles"
    CREATE_DATABASE = "create-database"
    RESTORE_DATABASE = "restore-database"
    GIVE_OWNERSHIP = "give-ownership"
    ANALYZE = "analyze"
    CHECK_DATABASE = "check-database"
    PROMOTE_DATABASE = "promote-database"
    DOCUMENTS = "documents"
    PROMOTE_DOCUMENTS = "promote-documents"
    CONFIGURATION = "configuration"
    START_ERP = "start-erp"
    DATA_SOURCE = "data-source"


@dataclass(frozen=True, slots=True)
class ConfigurationChange:
    """One key of a configuration file that the new environment needs otherwise.

    ``before`` is None when the key was absent. Secret values are masked.
    """

    file: str
    key: str
    before: str | None
    after: str


@dataclass(frozen=True, slots=True)
class Step:
    """One act of a plan, complete: execution consumes nothing else.

    ``argv`` is the command, where the step is one; ``target`` what it changes; ``source`` the path
    inside the generation that it reads. ``staging`` is the temporary name or folder under which
    ``target`` is made before it is promoted; ``owner`` the user of the target's files. ``bytes``
    and ``items`` are what it moves, for progress. ``part`` is where it acts.
    """

    id: str
    kind: StepKind
    title: str
    target: str
    database: str | None = None
    source: str | None = None
    staging: str | None = None
    owner: str | None = None
    argv: tuple[str, ...] = ()
    bytes: int = 0
    items: int = 0
    changes: tuple[ConfigurationChange, ...] = ()
    part: Part = Part.ERP


@dataclass(frozen=True, slots=True)
class RestorePlan:
    """The steps that replay a generation into an environment, in order."""

    generation: str
    profile: str
    environment: str
    databases: tuple[str, ...]
    differences: tuple[Difference, ...]
    steps: tuple[Step, ...]
    bytes: int


class StepStatus(StrEnum):
    """How a step or a stage ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class StepResult:
    """How a step, or a whole stage of a drill, ended. ``duration`` is in seconds."""

    id: str
    title: str
    status: StepStatus
    started: datetime
    duration: float
    reason: str = ""


class CheckStatus(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    FAILED = "failed"
    WARNING = "warning"
    UNVERIFIABLE = "unverifiable"
    IGNORED = "ignored"


NOTHING_OBSERVED: Final = "nothing could be observed"
"""What an unverifiable check observed that was begun and broke off."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One expectation held against what is there.

    ``id`` is stable and names the check on the command line (``documents.attachments``).
    ``details`` lists what is wrong, item by item, the first of many; ``duration`` is in seconds.
    """

    id: str
    title: str
    status: CheckStatus
    expected: str
    observed: str
    duration: float
    details: tuple[str, ...] = ()
    reason: str = ""
    """Why it could not be run, or why it is ignored."""
    sla: float | None = None
    """Longest accepted duration, in seconds; None where time is not judged."""


class Verdict(StrEnum):
    """What a drill proved."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    UNVERIFIABLE = "unverifiable"


def verdict_of(steps: tuple[StepResult, ...], checks: tuple[CheckResult, ...]) -> Verdict:
    """Judge a drill: a failed step or check fails it.

    No check run is never a pass, nor is a check that broke off: what it looks for is unknown.
    """
    if any(step.status in (StepStatus.FAILED, StepStatus.ABORTED) for step in steps):
        return Verdict.FAIL
    if any(check.status is CheckStatus.FAILED for check in checks):
        return Verdict.FAIL
    if any(
        check.status is CheckStatus.UNVERIFIABLE and check.observed == NOTHING_OBSERVED
        for check in checks
    ):
        return Verdict.UNVERIFIABLE
    ran = [c for c in checks if c.status in (CheckStatus.PASSED, CheckStatus.WARNING)]
    return Verdict.PASS if ran else Verdict.UNVERIFIABLE


@dataclass(frozen=True, slots=True)
class Report:
    """All that a drill found, from which every rendering is made.

    ``stages`` are the drill's (select, verify, plan, rebuild, replay, check, destroy), ``steps``
    the plan's. ``rpo`` is the time from the consistency point to the drill's start and ``rto`` the
    time from the drill's start until the checks ended, in seconds; None when it did not get there.
    ``changes`` are the blueprint's; those of the plan's steps stand in the plan.
    """

    run: str
    command: str
    stack: str
    started: datetime
    finished: datetime
    verdict: Verdict
    generation: Generation | None
    facts: EnvironmentFacts | None
    plan: RestorePlan | None
    stages: tuple[StepResult, ...]
    steps: tuple[StepResult, ...]
    checks: tuple[CheckResult, ...]
    differences: tuple[Difference, ...]
    accepted: tuple[Acceptance, ...]
    error: str | None
    hint: str | None
    rto: float | None
    rpo: float | None
    engine_version: str
    changes: tuple[ConfigurationChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step is; totals are 0 when unknown."""

    label: str
    done_bytes: int = 0
    total_bytes: int = 0
    done_items: int = 0
    total_items: int = 0


ProgressListener = Callable[[Progress], None]
"""Called often; must return at once and never raise."""


def ignore_progress(_progress: Progress) -> None:
    """The listener of those who don't listen."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """The ERP account that checks log in with; without one, logged-in checks are unverifiable."""

    login: str
    password: Secret


@dataclass(frozen=True, slots=True)
class Upload:
    """A text file that the stack puts into a container before it starts."""

    path: str
    content: str


@dataclass(frozen=True, slots=True)
class Mount:
    """A named volume of the environment and where a container sees it."""

    volume: str
    path: str


@dataclass(frozen=True, slots=True)
class ServerBlueprint:
    """What the stack must know to rebuild one server as the generation had it.

    ``health`` is the probe's argv, run inside the container. ``user`` is the image's own when None.
    """

    image: str
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    port: int
    health: tuple[str, ...]
    mounts: tuple[Mount, ...]
    uploads: tuple[Upload, ...] = ()
    environment: tuple[str, ...] = ()
    user: str | None = None


@dataclass(frozen=True, slots=True)
class Blueprint:
    """The equivalent environment that a generation asks for, computed before anything is made.

    ``changes`` are the keys of production's PostgreSQL configuration that had to become others.
    ``reports`` is the same for the reports server and its database server; None without one.
    """

    generation: str
    profile: str
    erp_role: str
    database: ServerBlueprint
    erp: ServerBlueprint
    proxy_image: str
    changes: tuple[ConfigurationChange, ...] = ()
    reports: Blueprint | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which generation, of which repository, read by which profile."""

    repository: Path
    generation: str
    profile: str
    databases: tuple[str, ...] = field(default=())
    """Restore only these; empty means all."""
