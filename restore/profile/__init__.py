"""An ERP described as data: what to capture, how to rebuild it, what to check.

A profile is one YAML file, validated against ``schemas/profile.schema.json``; every error is
reported at once with its path. A name is looked up in ``builtin/``, a path is read as is.
"""

from restore.profile.neutralisation import (
    Banner,
    Harmless,
    Neutralisation,
    NeutralisationAct,
    NeutralisationRule,
)
from restore.profile.post_operations import (
    OperationCheck,
    OperationKind,
    OperationTime,
    PostOperation,
)
from restore.profile.reading import (
    is_profile_path,
    load_profile,
    parse_profile,
    profile_names,
    profile_text,
)
from restore.profile.upgrade import Invariant, ServedThings, UpgradeProfile
from restore.profile.values import (
    ConfigurationFile,
    DatabaseProfile,
    DocumentFetch,
    DocumentTree,
    ErpProfile,
    Profile,
    ProxyProfile,
    RenderedReport,
    ReportsProfile,
    WebScenario,
    WebStep,
)

__all__ = [
    "Banner",
    "ConfigurationFile",
    "DatabaseProfile",
    "DocumentFetch",
    "DocumentTree",
    "ErpProfile",
    "Harmless",
    "Invariant",
    "Neutralisation",
    "NeutralisationAct",
    "NeutralisationRule",
    "OperationCheck",
    "OperationKind",
    "OperationTime",
    "PostOperation",
    "Profile",
    "ProxyProfile",
    "RenderedReport",
    "ReportsProfile",
    "ServedThings",
    "UpgradeProfile",
    "WebScenario",
    "WebStep",
    "is_profile_path",
    "load_profile",
    "parse_profile",
    "profile_names",
    "profile_text",
]
