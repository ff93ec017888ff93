"""What a process needs around it to run Pulumi here, written for programs and for shells."""

from __future__ import annotations

import json
import os
import secrets
import shlex
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from offline import engine, pulumi_cli
from offline.host import text_of
from offline.steps import Component

if TYPE_CHECKING:
    from pathlib import Path

    from offline.host import Host

# A home other than this tree's holds another tree's plug-in, or none.
FORCED = ("PULUMI_HOME",)
PASSPHRASE_FILE = "PULUMI_CONFIG_PASSPHRASE_FILE"  # noqa: S105 - a name, not a password


class EnvironmentStep:
    """Provides `.pra/environment.json`, `.pra/activate`, the passphrase and the state's folder.

    In the first, `path_prepend` comes before PATH, `variables` are defaults that the caller's own
    values override, except those named in `forced`.
    """

    name = "environment"

    def probe(self, host: Host) -> list[Component] | None:
        places = host.places
        if not (places.state.is_dir() and places.passphrase.is_file()):
            return None
        wanted = contents(host)
        if text_of(places.environment) != as_json(wanted) or text_of(places.activate) != as_shell(
            wanted
        ):
            return None
        return [Component(self.name, "", "written by set-up", str(places.environment))]

    def make(self, host: Host) -> list[Component]:
        places = host.places
        places.state.mkdir(parents=True, exist_ok=True)
        if not places.passphrase.exists():
            _write(places.passphrase, secrets.token_urlsafe(32) + "\n", 0o600)
        wanted = contents(host)
        _write(places.environment, as_json(wanted), 0o644)
        _write(places.activate, as_shell(wanted), 0o644)
        return [Component(self.name, "", "written by set-up", str(places.environment))]


@dataclass(frozen=True, slots=True)
class Contents:
    """What both files say."""

    path_prepend: tuple[str, ...]
    variables: dict[str, str]
    forced: tuple[str, ...] = FORCED


def contents(host: Host) -> Contents:
    """Return what is written. The virtual environment comes first: the Python host wants it so."""
    places = host.places
    variables = {
        "PULUMI_HOME": str(places.pulumi_home),
        "PULUMI_BACKEND_URL": f"file://{places.state}",
        PASSPHRASE_FILE: str(places.passphrase),
        "PULUMI_SKIP_UPDATE_CHECK": "1",
        # Everything is there already; a drill does not wait for sites that may be gone.
        "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
    }
    found = engine.answering(host)
    if found is not None and found[0].address != engine.DEFAULT:
        variables["DOCKER_HOST"] = found[0].address
    folders = [places.venv / "bin", *pulumi_cli.tools_path(host)]
    return Contents(tuple(str(folder) for folder in folders), variables)


def as_json(wanted: Contents) -> str:
    return json.dumps(asdict(wanted), indent=2) + "\n"


def as_shell(wanted: Contents) -> str:
    """Return the same for `. .pra/activate`, in POSIX shell."""
    lines = ["# Sourced by shells; written by set-up."]
    folders = ":".join(wanted.path_prepend)
    lines.append(f"PATH={shlex.quote(folders)}:$PATH; export PATH")
    for name, value in wanted.variables.items():
        setting = f"{name}={shlex.quote(value)}"
        if name in FORCED:
            lines.append(f"{setting}; export {name}")
        elif name == PASSPHRASE_FILE:
            # The passphrase itself, if set, is the user's other way to say it.
            unset = f'[ -n "${{{name}-}}${{PULUMI_CONFIG_PASSPHRASE-}}" ]'
            lines.append(f"{unset} || {{ {setting}; export {name}; }}")
        else:
            lines.append(f'[ -n "${{{name}-}}" ] || {setting}; export {name}')
    return "\n".join(lines) + "\n"


def variables_for(host: Host) -> dict[str, str]:
    """Return the variables to run Pulumi with, from set-up itself."""
    wanted = contents(host)
    result = {"PATH": os.pathsep.join([*wanted.path_prepend, host.environ.get("PATH", "")])}
    for name, value in wanted.variables.items():
        result[name] = value if name in FORCED else host.environ.get(name, value)
    return result


def _write(path: Path, text: str, mode: int) -> None:
    """Write a file whole: readers see the old one or the new one, at no time with a wider mode."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "w") as out:
        out.write(text)
    new.replace(path)
