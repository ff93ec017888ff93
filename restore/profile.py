"""An ERP described as data: what to capture, how to rebuild it, what to check.

A profile is one YAML file, validated against ``schemas/profile.schema.json``; every error is
reported at once with its path. A name is looked up in ``restore/profiles/``, a path is read as is.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from restore.errors import NotFoundError, UsageError
from restore.model import Mount, Role
from restore.schema import schema_errors


@dataclass(frozen=True, slots=True)
class DatabaseProfile:
    """PostgreSQL as this ERP uses it.

    ``version_variable`` is the image's environment variable that holds the server's version;
    ``databases`` a query that lists the ERP's databases, one name a row.
    """

    image: str
    version_variable: str
    data: str
    superuser: str
    databases: str


@dataclass(frozen=True, slots=True)
class ErpProfile:
    """The ERP server.

    ``series`` are the versions that this profile knows. ``installed_modules`` is a query giving
    name and version; ``available_modules`` an argv that prints a path a line, whose last folder
    is a module's name. ``role_key`` and ``password_key`` are keys of the ERP's configuration;
    an ERP that holds both in the URI of its database has ``uri_key`` instead.
    """

    image: str
    version_variable: str
    release_variable: str | None
    series: tuple[str, ...]
    entrypoint: tuple[str, ...]
    command: tuple[str, ...]
    user: str
    port: int
    health: tuple[str, ...]
    role_key: str | None
    password_key: str | None
    uri_key: str | None
    data: tuple[Mount, ...]
    installed_modules: str
    available_modules: tuple[str, ...]

    @property
    def login_keys(self) -> tuple[str, ...]:
        """The keys of the ERP's configuration that hold its login to PostgreSQL."""
        return tuple(key for key in (self.role_key, self.password_key, self.uri_key) if key)


@dataclass(frozen=True, slots=True)
class ConfigurationFile:
    """A configuration file that belongs to a generation.

    ``set`` holds the keys that a new environment needs otherwise, with ``{placeholders}``;
    ``secrets`` the keys whose values are masked wherever they are shown. A file with a ``section``
    is an INI file, whose keys of other sections are written ``section/key``; without one its
    ``format`` says how it is written. A file of a ``keystore`` is not text: it is laid as it is.
    """

    name: str
    server: Role
    path: str
    section: str | None
    secrets: tuple[str, ...]
    set: tuple[tuple[str, str], ...]
    format: str = "postgresql"
    keystore: bool = False

    def place(self, key: str) -> tuple[str, str]:
        """The section of a key as the profile writes it, and its name there."""
        section, _, name = key.rpartition("/")
        return section or self.section or "", name


@dataclass(frozen=True, slots=True)
class DocumentFetch:
    """The ERP's request that serves the document of a row (``{id}``), as a logged-in user.

    ``base64`` is a regular expression whose first group is the document, where the answer holds it
    so encoded; None when the answer is the document.
    """

    path: str
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    json: Any = None
    base64: str | None = None


@dataclass(frozen=True, slots=True)
class DocumentTree:
    """A tree of documents, one folder a database (``{database}`` in ``path``).

    ``rows`` is a query giving id, name, file relative to the folder, and, where the ERP keeps one,
    hexadecimal checksum by ``algorithm`` (a ``hashlib`` name); ``fetch`` asks the ERP itself;
    ``ignored`` folders of the tree whose files belong to no row by design.
    """

    name: str
    path: str
    rows: str | None
    algorithm: str
    fetch: DocumentFetch | None
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WebStep:
    """One request of the web scenario and what its answer must be. ``sla`` is in seconds."""

    name: str
    method: str
    path: str
    form: tuple[tuple[str, str], ...]
    json: Any
    status: tuple[int, ...]
    contains: str | None
    absent: str | None
    location: str | None
    capture: tuple[tuple[str, str], ...]
    sla: float
    credentials: bool
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class WebScenario:
    """What a user would do first: each step in order, in one session."""

    login: str | None
    steps: tuple[WebStep, ...]


@dataclass(frozen=True, slots=True)
class RenderedReport:
    """A report that is rendered for proof.

    ``figure`` is a query on the restored ERP database; its one value must be in the PDF's text.
    """

    uri: str
    figure: str


@dataclass(frozen=True, slots=True)
class ReportsProfile:
    """A reports server with its own database server, beside the ERP.

    ``server`` describes both as a profile describes an ERP and its database server. ``keystore``
    are files that belong to the repository's encrypted passwords. ``resources`` and
    ``data_sources`` are queries on its database: uri; and uri, JDBC URL, user. ``data_source`` are
    the properties that a restored data source needs otherwise. ``rest`` is the path of its REST
    interface, ``login`` the account's name there.
    """

    server: Profile
    keystore: tuple[ConfigurationFile, ...]
    rest: str
    login: str | None
    resources: str
    data_sources: str
    data_source: tuple[tuple[str, str], ...]
    report: RenderedReport | None


@dataclass(frozen=True, slots=True)
class Profile:
    """An ERP, as data. ``reports`` is None where it has no reports server."""

    name: str
    title: str
    database: DatabaseProfile
    erp: ErpProfile
    configuration: tuple[ConfigurationFile, ...]
    documents: tuple[DocumentTree, ...]
    web: WebScenario
    reports: ReportsProfile | None = None

    def configuration_of(self, server: Role) -> tuple[ConfigurationFile, ...]:
        """The configuration files of one server."""
        return tuple(file for file in self.configuration if file.server is server)


def profile_names() -> tuple[str, ...]:
    """The profiles that ship with the engine."""
    folder = resources.files("restore") / "profiles"
    return tuple(
        sorted(
            item.name.removesuffix(".yaml")
            for item in folder.iterdir()
            if item.name.endswith(".yaml")
        )
    )


def is_profile_path(name: str) -> bool:
    """Whether a profile is named by its path, not by its name."""
    return name.endswith((".yaml", ".yml"))


def load_profile(name: str) -> Profile:
    """Read a profile by name, or by path (``is_profile_path``).

    Raises:
        NotFoundError: there is no such profile.
        UsageError: the file is no YAML or breaks the schema; all errors at once.
    """
    return parse_profile(profile_text(name), name)


def profile_text(name: str) -> str:
    """A profile's file, by name, or by path when ``name`` ends in ``.yaml``.

    Raises:
        NotFoundError: there is no such profile.
        UsageError: the file is no UTF-8.
    """
    if is_profile_path(name):
        path = Path(name)
        if not path.is_file():
            raise NotFoundError(f"profile {name} does not exist")
        try:
            return path.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise UsageError(f"profile {name} is no UTF-8: {error}") from error
    if name in profile_names():
        folder = resources.files("restore") / "profiles"
        return (folder / f"{name}.yaml").read_text(encoding="utf-8")
    known = ", ".join(profile_names())
    raise NotFoundError(
        f"there is no profile {name!r}", f"profiles that ship: {known}; or give a path"
    )


def parse_profile(text: str, source: str) -> Profile:
    """Turn a profile's text into a ``Profile``; ``source`` names it in errors.

    Raises:
        UsageError: the text is no YAML or breaks the schema; all errors at once.
    """
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UsageError(f"profile {source} is not valid YAML: {error}") from error
    if errors := schema_errors("profile", data):
        raise UsageError(
            f"profile {source} is wrong:\n" + "\n".join(f"  {line}" for line in errors),
            "each option is described in restore/schemas/profile.schema.json",
        )
    return _profile(data)


def _profile(data: dict[str, Any]) -> Profile:
    web = data["web"]
    return Profile(
        name=data["name"],
        title=data["title"],
        database=DatabaseProfile(**data["database"]),
        erp=_erp(data["erp"]),
        configuration=tuple(_configuration(item) for item in data["configuration"]),
        documents=tuple(
            DocumentTree(
                name=item["name"],
                path=item["path"],
                rows=item.get("rows"),
                algorithm=item.get("algorithm", "sha1"),
                fetch=_fetch(item.get("fetch")),
                ignored=tuple(item.get("ignored", ())),
            )
            for item in data["documents"]
        ),
        web=WebScenario(
            login=web.get("account", {}).get("login"),
            steps=tuple(_web_step(item) for item in web["steps"]),
        ),
        reports=_reports(data) if "reports" in data else None,
    )


def _reports(data: dict[str, Any]) -> ReportsProfile:
    reports = data["reports"]
    report = reports.get("report")
    keystore = tuple(
        ConfigurationFile(item["name"], Role.ERP, item["path"], None, (), (), keystore=True)
        for item in reports.get("keystore", ())
    )
    files = [
        {**item, "server": Role.ERP if item["server"] == Role.REPORTS else item["server"]}
        for item in reports["configuration"]
    ]
    # A reports server has no modules; a query without rows says so.
    nothing = {"installed_modules": "SELECT NULL, NULL WHERE false", "available_modules": ()}
    server = Profile(
        name=data["name"],
        title=reports["title"],
        database=DatabaseProfile(**reports["database"]),
        erp=_erp({"data": (), **nothing, **reports["server"]}),
        # A keystore's files are laid as they are, like a file of which no key is set.
        configuration=(*(_configuration(item) for item in files), *keystore),
        documents=(),
        web=WebScenario(None, ()),
    )
    return ReportsProfile(
        server=server,
        keystore=keystore,
        rest=reports["rest"],
        login=reports.get("account", {}).get("login"),
        resources=reports["resources"],
        data_sources=reports["data_sources"],
        data_source=tuple(reports.get("data_source", {}).items()),
        report=RenderedReport(**report) if report else None,
    )


def _erp(data: dict[str, Any]) -> ErpProfile:
    lists = ("series", "entrypoint", "command", "health", "available_modules")
    values: dict[str, Any] = {
        **dict.fromkeys(("release_variable", "role_key", "password_key", "uri_key")),
        **data,
        **{key: tuple(data[key]) for key in lists},
        "data": tuple(Mount(**item) for item in data["data"]),
    }
    return ErpProfile(**values)


def _configuration(data: dict[str, Any]) -> ConfigurationFile:
    return ConfigurationFile(
        name=data["name"],
        server=Role(data["server"]),
        path=data["path"],
        section=data.get("section"),
        secrets=tuple(data.get("secrets", ())),
        set=tuple(data.get("set", {}).items()),
        format=data.get("format", "postgresql"),
    )


def _fetch(data: str | dict[str, Any] | None) -> DocumentFetch | None:
    if data is None or isinstance(data, str):
        return None if data is None else DocumentFetch(data)
    return DocumentFetch(**{**data, "headers": tuple(data.get("headers", {}).items())})


def _web_step(data: dict[str, Any]) -> WebStep:
    return WebStep(
        name=data["name"],
        method=data.get("method", "GET"),
        path=data["path"],
        form=tuple(data.get("form", {}).items()),
        json=data.get("json"),
        status=tuple(data["status"]),
        contains=data.get("contains"),
        absent=data.get("absent"),
        location=data.get("location"),
        capture=tuple(data.get("capture", {}).items()),
        sla=float(data["sla"]),
        credentials=data.get("credentials", False),
        headers=tuple(data.get("headers", {}).items()),
    )
