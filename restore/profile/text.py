"""Profiles as text: a commented one to begin with, and one with every default filled in. Pure.

The template is made of the schema's own descriptions and examples, so that it can't drift from it.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from enum import StrEnum
from typing import Any, Final

import yaml

from restore.model import Role
from restore.model.schema import schema
from restore.profile import OperationKind, Profile

_WIDTH: Final = 96
_SHOWN: Final = frozenset({"section", "secrets", "set", "rows", "account"})
"""Options that are not required, but that hardly a profile can do without."""

_PAIRS: Final = frozenset({"set", "form", "capture", "headers", "data_source"})
"""Mappings that a profile keeps as pairs."""

_HEAD: Final = """\
# A profile for pra: an ERP described as data. Fill it in, then: pra profile check {file}
# Each option stands here with its description; examples are Odoo's. Those that begin with "#" are
# optional. What ships can serve as a model: pra profile show odoo, pra profile show tryton.
"""


def template(name: str, file: str) -> str:
    """A valid profile with that name, commented, made of the schema's examples."""
    root = schema("profile")
    values = {"name": name, "title": f"{name.capitalize()} 1.0"}
    return _HEAD.format(file=file) + "\n".join(_object(root, root, values)) + "\n"


def renamed(text: str, name: str) -> str:
    """A profile's text with another name; every other byte is kept."""
    return re.sub(r"^name:.*$", f"name: {name}", text, count=1, flags=re.MULTILINE)


def profile_document(profile: Profile) -> dict[str, Any]:
    """A profile as its file would say it with every default written out."""
    document: dict[str, Any] = _plain(asdict(profile))
    web = document["web"]
    login, own_account = web.pop("login", None), web.pop("own")
    account = {"login": login, **({"own": own_account} if own_account else {})}
    document["web"] = {"account": account, **web} if login else web
    document["configuration"] = [_file(file) for file in document["configuration"]]
    for tree in document["documents"]:
        if not tree["may_be_empty"]:
            del tree["may_be_empty"]
    own = None
    if profile.reports is not None:
        own = document["reports"]["server"].pop("neutralisation", None)
        document["reports"] = _reports(document["reports"])
    if profile.neutralisation is not None:
        document["neutralisation"] = _neutralisation(document["neutralisation"])
        if own is not None:
            document["neutralisation"]["reports"] = _neutralisation(own)
    operations = document.pop("post_operations")
    if operations:
        document["post_operations"] = [_operation(one) for one in operations]
    return document


def _neutralisation(neutralisation: dict[str, Any]) -> dict[str, Any]:
    """What makes a copy harmless: what a rule or an act does not have goes without saying."""
    files = {file: dict(settings) for file, settings in neutralisation.pop("configuration")}
    rules = [
        {**rule, "acts": [_filled(act) for act in rule["acts"]]}
        for rule in neutralisation.pop("rules")
    ]
    return _filled({"rules": rules, **neutralisation, "configuration": files})


def _filled(options: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in options.items() if value not in ([], {}, "")}


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    """A post-operation: what its kind does not have goes without saying."""
    if operation["kind"] == OperationKind.MANUAL:
        return {key: operation[key] for key in ("name", "title", "owner", "kind", "instructions")}
    check = operation["check"]
    asked = ("status", "contains") if "path" in check else ()
    kept = {"sql", "command", "path", "expected", *asked}
    check = {key: value for key, value in check.items() if key in kept and value != []}
    empty: tuple[Any, ...] = ([], "")
    left = {key: value for key, value in operation.items() if value not in empty}
    return {**left, "check": check}


def _reports(reports: dict[str, Any]) -> dict[str, Any]:
    """A reports server as a file says it: it is kept as a profile of its own."""
    server, login = reports.pop("server"), reports.pop("login", None)
    for absent in ("installed_modules", "available_modules"):
        del server["erp"][absent]
    files = [_file(file) for file in server["configuration"] if not file["keystore"]]
    return {
        "title": server["title"],
        "database": server["database"],
        "server": server["erp"],
        "configuration": [
            {**file, "server": Role.REPORTS.value if file["server"] == Role.ERP else file["server"]}
            for file in files
        ],
        **reports,
        "keystore": [{key: file[key] for key in ("name", "path")} for file in reports["keystore"]],
        **({"account": {"login": login}} if login else {}),
    }


def _file(file: dict[str, Any]) -> dict[str, Any]:
    """A configuration file: the format of one with sections goes without saying."""
    left_out = {"keystore", *(("format",) if "section" in file else ())}
    return {key: value for key, value in file.items() if key not in left_out}


def profile_yaml(profile: Profile) -> str:
    """``profile_document`` as YAML."""
    return yaml.dump(
        profile_document(profile),
        Dumper=_Readable,
        sort_keys=False,
        allow_unicode=True,
        width=_WIDTH,
    )


class _Readable(yaml.SafeDumper):
    """Writes texts of several lines as such."""


_Readable.add_representer(
    str,
    lambda dumper, text: dumper.represent_scalar(
        "tag:yaml.org,2002:str", text, style="|" if "\n" in text else None
    ),
)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: dict(item) if key in _PAIRS else item if key == "json" else _plain(item)
            for key, item in value.items()
            if item is not None
        }
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return value.value if isinstance(value, StrEnum) else value


def _object(
    root: dict[str, Any], node: dict[str, Any], values: dict[str, str] | None = None
) -> Iterator[str]:
    """The lines of an object's options: what describes each, then the option."""
    required = {*node.get("required", ()), *node.get("else", {}).get("required", ())}
    for name, named in node["properties"].items():
        option = _resolved(root, named)
        for line in textwrap.wrap(option.get("description", ""), _WIDTH - 2):
            yield f"# {line}"
        lines = list(_option(root, name, option, (values or {}).get(name)))
        if name in required or name in _SHOWN:
            yield from lines
        else:
            yield from (f"# {line}" for line in lines if not line.startswith("# "))


def _resolved(root: dict[str, Any], option: dict[str, Any]) -> dict[str, Any]:
    """An option, or what the schema says under the name that it refers to."""
    found: dict[str, Any] = option
    if "$ref" in option:
        found = root["$defs"][option["$ref"].rpartition("/")[2]]
    return found


def _option(
    root: dict[str, Any], name: str, option: dict[str, Any], value: str | None
) -> Iterator[str]:
    items = option.get("items", {})
    if "properties" in option:
        yield f"{name}:"
        yield from (f"  {line}" for line in _object(root, option))
    elif "properties" in items:
        yield f"{name}:"
        # A comment may stand first in an item; its first key must then bear the dash.
        lines = list(_object(root, items))
        dash = next(number for number, line in enumerate(lines) if not line.startswith("#"))
        for number, line in enumerate(lines):
            yield f"  - {line}" if number == dash else f"    {line}"
    else:
        example = _example(option) if value is None else value
        text = yaml.safe_dump(example, default_flow_style=True, width=10_000, allow_unicode=True)
        yield f"{name}: {text}".removesuffix("...\n").strip()


def _example(option: dict[str, Any]) -> Any:
    if option.get("examples"):
        return option["examples"][0]
    if "enum" in option:
        return option["enum"][-1]
    return {"object": {}, "boolean": True}.get(option.get("type", "object"), "")
