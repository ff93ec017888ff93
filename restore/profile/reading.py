"""From a profile's text to the value: validated, every error at once. Pure."""

from __future__ import annotations

from typing import Any

import yaml

from restore.errors import UsageError
from restore.model import Mount, Role
from restore.model.durations import parse_budget
from restore.model.schema import schema_errors
from restore.profile.files import ConfigurationFile, DocumentFetch, DocumentTree
from restore.profile.neutralisation import Neutralisation, read_neutralisation
from restore.profile.operations import read_operation
from restore.profile.servers import DatabaseProfile, ErpProfile, ProxyProfile
from restore.profile.upgrade import read_upgrade
from restore.profile.values import Profile, RenderedReport, ReportsProfile
from restore.profile.web import WebScenario, WebStep


def parse_profile(text: str, source: str) -> Profile:
    """Turn a profile's text into a ``Profile``; ``source`` names it in errors.

    Raises:
        UsageError: the text is no YAML or breaks the schema; all errors at once.
    """
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"profile {source} is not valid YAML: {error}") from error
    if errors := schema_errors("profile", data):
        raise UsageError(
            f"profile {source} is wrong:\n" + "\n".join(f"  {line}" for line in errors),
            "each option is described in restore/model/schemas/profile.schema.json",
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
        post_operations=tuple(map(read_operation, data.get("post_operations", ()))),
        proxy=ProxyProfile(**data.get("proxy", {})),
        rto_budget=parse_budget(data["rto_budget"]) if "rto_budget" in data else None,
        neutralisation=read_neutralisation(data["neutralisation"])
        if "neutralisation" in data
        else None,
        upgrade=read_upgrade(data["upgrade"]) if "upgrade" in data else None,
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
        neutralisation=_of_reports(data),
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


def _of_reports(data: dict[str, Any]) -> Neutralisation | None:
    """How the reports server of a copy is made safe; None where nothing is said of it."""
    own = data.get("neutralisation", {}).get("reports")
    return None if own is None else read_neutralisation(own)


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
