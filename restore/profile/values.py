"""An ERP with all that belongs to it, as a profile describes it."""

from __future__ import annotations

from dataclasses import dataclass, field

from restore.model import ManualOperation, Role
from restore.profile.files import ConfigurationFile, DocumentTree
from restore.profile.neutralisation import Neutralisation
from restore.profile.operations import OperationKind, PostOperation
from restore.profile.servers import DatabaseProfile, ErpProfile, ProxyProfile
from restore.profile.upgrade import UpgradeProfile
from restore.profile.web import WebScenario


@dataclass(frozen=True, slots=True)
class RenderedReport:
    """A report that is rendered for proof.

    ``figure`` is a query on the restored ERP database; its one value must be in the PDF's text.
    """

    uri: str
    figure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsProfile:
    """A reports server with its own database server, beside the ERP.

    ``server`` describes both as a profile describes an ERP and its database server. ``keystore``
    are files that belong to the repository's encrypted passwords. ``resources`` and
    ``data_sources`` are queries on its database: uri; and uri, JDBC URL, user. ``data_source`` are
    the properties that a restored data source needs otherwise. ``rest`` is the path of its REST
    interface, ``login`` the account's name there.
    """

    server: Profile
    keystore: tuple[ConfigurationFile, ...] = ()
    rest: str
    login: str | None = None
    resources: str
    data_sources: str
    data_source: tuple[tuple[str, str], ...] = ()
    report: RenderedReport | None = None


@dataclass(frozen=True, slots=True)
class Profile:
    """An ERP, as data. ``reports`` is None where it has no reports server.

    ``rto_budget`` is the longest accepted recovery time in seconds, where no stack or option says
    another. Without a ``neutralisation`` no safe copy of it can be made.
    """

    name: str
    title: str
    database: DatabaseProfile
    erp: ErpProfile
    configuration: tuple[ConfigurationFile, ...]
    documents: tuple[DocumentTree, ...]
    web: WebScenario
    reports: ReportsProfile | None = None
    post_operations: tuple[PostOperation, ...] = ()
    proxy: ProxyProfile = field(default_factory=ProxyProfile)
    rto_budget: float | None = None
    neutralisation: Neutralisation | None = None
    upgrade: UpgradeProfile | None = None
    """How this ERP upgrades its databases; None where the profile does not say."""

    @property
    def automated(self) -> tuple[PostOperation, ...]:
        """The post-operations that the engine runs and checks."""
        return tuple(o for o in self.post_operations if o.kind is OperationKind.AUTOMATED)

    @property
    def checklist(self) -> tuple[ManualOperation, ...]:
        """The post-operations that people do, each with its owner."""
        return tuple(o.manual for o in self.post_operations if o.kind is OperationKind.MANUAL)

    def configuration_of(self, server: Role) -> tuple[ConfigurationFile, ...]:
        """The configuration files of one server."""
        return tuple(file for file in self.configuration if file.server is server)
