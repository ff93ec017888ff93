"""The values that travel between the engine's stages. All are frozen; none does I/O.

Times are timezone-aware UTC. Durations are seconds. Sizes are bytes.
"""

from restore.model.blueprint import Blueprint, ConfigurationChange, Mount, ServerBlueprint, Upload
from restore.model.comparison import Acceptance, Difference, EnvironmentFacts, Severity
from restore.model.environment import Credentials, DatabaseServer, Environment, ErpServer, Role
from restore.model.fingerprint import (
    DatabaseFacts,
    DataSource,
    Fingerprint,
    ImageFacts,
    KeystoreFile,
    ReportsFacts,
    ServerFacts,
    TableFacts,
    Versioned,
)
from restore.model.generation import (
    CUSTOM_FILE,
    PLAIN_FILE,
    Artifact,
    ArtifactKind,
    DumpForm,
    FileEntry,
    Generation,
    Origin,
    Part,
    Selection,
)
from restore.model.holding import Holding, Node, NodeRecord, NodeState, NodeStatus
from restore.model.operations import LocalText, ManualOperation, OperationEvent
from restore.model.outcome import (
    CheckResult,
    CheckStatus,
    Progress,
    ProgressListener,
    Report,
    StepResult,
    StepStatus,
    Verdict,
    ignore_progress,
    verdict_of,
)
from restore.model.plan import RestorePlan, Step, StepKind

__all__ = [
    "CUSTOM_FILE",
    "PLAIN_FILE",
    "Acceptance",
    "Artifact",
    "ArtifactKind",
    "Blueprint",
    "CheckResult",
    "CheckStatus",
    "ConfigurationChange",
    "Credentials",
    "DataSource",
    "DatabaseFacts",
    "DatabaseServer",
    "Difference",
    "DumpForm",
    "Environment",
    "EnvironmentFacts",
    "ErpServer",
    "FileEntry",
    "Fingerprint",
    "Generation",
    "Holding",
    "ImageFacts",
    "KeystoreFile",
    "LocalText",
    "ManualOperation",
    "Mount",
    "Node",
    "NodeRecord",
    "NodeState",
    "NodeStatus",
    "OperationEvent",
    "Origin",
    "Part",
    "Progress",
    "ProgressListener",
    "Report",
    "ReportsFacts",
    "RestorePlan",
    "Role",
    "Selection",
    "ServerBlueprint",
    "ServerFacts",
    "Severity",
    "Step",
    "StepKind",
    "StepResult",
    "StepStatus",
    "TableFacts",
    "Upload",
    "Verdict",
    "Versioned",
    "ignore_progress",
    "verdict_of",
]
