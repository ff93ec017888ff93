"""From a profile's text to the value: validated, every error at once. Pure."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from restore.errors import NotFoundError, UsageError
from restore.model import Role
from restore.model.codec import decode
from restore.model.durations import parse_budget
from restore.model.schema import schema_errors
from restore.model.shipped import load_shipped
from restore.profile.values import Profile


def parse_profile(text: str, source: str) -> Profile:
    """Turn a profile's text into a ``Profile``; ``source`` names it in errors.

    Raises:
        UsageError: the text is no YAML or breaks the schema; all errors at once.
    """
    try:
        data = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise UsageError(f"profile {source} is not valid YAML: {error}") from error
    return _profile(data, source)


def _profile(data: Any, source: str) -> Profile:
    if errors := schema_errors("profile", data):
        raise UsageError(
            f"profile {source} is wrong:\n" + "\n".join(f"  {line}" for line in errors),
            "each option is described in restore/model/schemas/profile.schema.json",
        )
    try:
        return decode(Profile, _document(data))
    except ValueError as error:
        raise UsageError(f"profile {source} is wrong: {error}") from error


def _document(data: dict[str, Any]) -> dict[str, Any]:
    """A file's data in the shape of a ``Profile``."""
    return {
        **data,
        "web": {
            "login": _login(data["web"]),
            "own": data["web"].get("account", {}).get("own", ()),
            **data["web"],
        },
        "reports": _reports(data) if "reports" in data else None,
        **{key: parse_budget(data[key]) for key in ("rto_budget", "rpo_budget") if key in data},
    }


def _login(data: dict[str, Any]) -> str | None:
    """The login of an account that a file may leave out."""
    login: str | None = data.get("account", {}).get("login")
    return login


def _reports(data: dict[str, Any]) -> dict[str, Any]:
    """A reports server in the shape of a ``ReportsProfile``: it is a profile of its own."""
    reports = data["reports"]
    keystore = [
        {**item, "server": Role.ERP, "keystore": True} for item in reports.get("keystore", ())
    ]
    files = [
        {**item, "server": Role.ERP if item["server"] == Role.REPORTS else item["server"]}
        for item in reports["configuration"]
    ]
    # A reports server has no modules; a query without rows says so.
    nothing = {"installed_modules": "SELECT NULL, NULL WHERE false", "available_modules": ()}
    server = {
        "name": data["name"],
        "title": reports["title"],
        "database": reports["database"],
        "erp": {"data": (), **nothing, **reports["server"]},
        # A keystore's files are laid as they are, like a file of which no key is set.
        "configuration": [*files, *keystore],
        "documents": (),
        "web": {"login": None, "steps": ()},
        "neutralisation": data.get("neutralisation", {}).get("reports"),
    }
    return {**reports, "server": server, "keystore": keystore, "login": _login(reports)}


def profile_names() -> tuple[str, ...]:
    """The profiles that ship with the engine."""
    names = (item.name for item in (resources.files("restore.profile") / "builtin").iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in names if name.endswith(".yaml")))


def is_profile_path(name: str) -> bool:
    """Whether a profile is named by its path, not by its name."""
    return name.endswith((".yaml", ".yml"))


def load_profile(name: str) -> Profile:
    """Read a profile by name, or by path (``is_profile_path``).

    Raises:
        NotFoundError: there is no such profile.
        UsageError: the file is no YAML or breaks the schema; all errors at once.
    """
    text = profile_text(name)
    return (
        parse_profile(text, name) if is_profile_path(name) else _profile(load_shipped(text), name)
    )


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
        folder = resources.files("restore.profile") / "builtin"
        return (folder / f"{name}.yaml").read_text(encoding="utf-8")
    known = ", ".join(profile_names())
    raise NotFoundError(
        f"there is no profile {name!r}", f"profiles that ship: {known}; or give a path"
    )
