"""An ERP described as data: what to capture, how to rebuild it, what to check.

A profile is one YAML file, validated against ``schemas/profile.schema.json``; every error is
reported at once with its path. A name is looked up in ``builtin/``, a path is read as is.
"""

from restore.profile.neutralisation import Banner as Banner
from restore.profile.neutralisation import Harmless as Harmless
from restore.profile.neutralisation import Neutralisation as Neutralisation
from restore.profile.neutralisation import NeutralisationAct as NeutralisationAct
from restore.profile.neutralisation import NeutralisationRule as NeutralisationRule
from restore.profile.post_operations import OperationCheck as OperationCheck
from restore.profile.post_operations import OperationKind as OperationKind
from restore.profile.post_operations import OperationTime as OperationTime
from restore.profile.post_operations import PostOperation as PostOperation
from restore.profile.reading import is_profile_path as is_profile_path
from restore.profile.reading import load_profile as load_profile
from restore.profile.reading import parse_profile as parse_profile
from restore.profile.reading import profile_names as profile_names
from restore.profile.reading import profile_text as profile_text
from restore.profile.upgrade import Invariant as Invariant
from restore.profile.upgrade import ServedThings as ServedThings
from restore.profile.upgrade import UpgradeProfile as UpgradeProfile
from restore.profile.values import ConfigurationFile as ConfigurationFile
from restore.profile.values import DatabaseProfile as DatabaseProfile
from restore.profile.values import DocumentFetch as DocumentFetch
from restore.profile.values import DocumentTree as DocumentTree
from restore.profile.values import ErpProfile as ErpProfile
from restore.profile.values import Profile as Profile
from restore.profile.values import ProxyProfile as ProxyProfile
from restore.profile.values import RenderedReport as RenderedReport
from restore.profile.values import ReportsProfile as ReportsProfile
from restore.profile.values import WebScenario as WebScenario
from restore.profile.values import WebStep as WebStep
