"""The Docker provider's plug-in: the official one, else a launcher of `offline.docker_provider`."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from offline import pulumi_cli, versions
from offline.host import Command, SetupError
from offline.steps import Component

if TYPE_CHECKING:
    from pathlib import Path

    from offline.host import Host

FOLDER = f"resource-docker-v{versions.DOCKER_PLUGIN}"
BINARY = "pulumi-resource-docker"
OFFLINE = "offline plug-in"


class PluginStep:
    """Provides the plug-in in this tree's Pulumi home."""

    name = "Docker provider"

    def probe(self, host: Host) -> list[Component] | None:
        laid = host.places.pulumi_home / "plugins" / FOLDER
        binary = laid / BINARY
        if laid.is_symlink() and binary.is_file():
            return [_component("official download", binary)]
        if host.environ.get("PRA_RETRY_DOWNLOADS") == "1":
            return None
        try:
            if binary.read_text(encoding="utf-8") == launcher(host):
                return [_component(OFFLINE, binary)]
        except (OSError, UnicodeDecodeError):
            pass
        return None

    def make(self, host: Host) -> list[Component]:
        laid = host.places.pulumi_home / "plugins" / FOLDER
        laid.parent.mkdir(parents=True, exist_ok=True)
        official = self._download(host)
        _clear(laid)
        if official is not None:
            laid.symlink_to(official, target_is_directory=True)
            return [_component("official download", laid / BINARY)]
        laid.mkdir()
        binary = laid / BINARY
        binary.write_text(launcher(host), encoding="utf-8")
        binary.chmod(0o755)
        return [_component(OFFLINE, binary)]

    @staticmethod
    def _download(host: Host) -> Path | None:
        """Return the official plug-in's folder in the cache, None when it cannot be had."""
        home = host.places.cache / "pulumi-home"
        folder = home / "plugins" / FOLDER
        if (folder / BINARY).is_file():
            return folder
        # The CLI's site did not answer: neither will the one for plug-ins.
        if not (host.may_download(pulumi_cli.SITE) and host.may_download("plugins")):
            return None
        home.mkdir(parents=True, exist_ok=True)
        host.say("official download")
        cli = next((c.path for c in pulumi_cli.PulumiStep().probe(host) or []), pulumi_cli.CLI)
        arguments = ["plugin", "install", "resource", "docker", versions.DOCKER_PLUGIN]
        variables = {"PULUMI_HOME": str(home), **pulumi_cli.NO_UPDATES}
        try:
            host.run(Command([cli, *arguments], log="plugin", variables=variables, timeout=180))
        except SetupError as error:
            host.remember_unreachable("plugins", error.message)
            return None
        return folder if (folder / BINARY).is_file() else None


def launcher(host: Host) -> str:
    """Return the script that Pulumi runs as the plug-in."""
    tree = shlex.quote(str(host.places.tree))
    python = shlex.quote(str(host.places.python))
    return (
        "#!/bin/sh\n"
        "# Runs this work tree's Docker provider in place of the official plug-in.\n"
        f"PYTHONPATH={tree}${{PYTHONPATH:+:$PYTHONPATH}}\n"
        "export PYTHONPATH\n"
        f'exec {python} -m offline.docker_provider "$@"\n'
    )


def _component(source: str, binary: Path) -> Component:
    return Component("Docker provider", versions.DOCKER_PLUGIN, source, str(binary))


def _clear(laid: Path) -> None:
    """Remove what an earlier set-up laid there: a link, or a folder with a launcher."""
    if laid.is_symlink():
        laid.unlink()
    elif laid.is_dir():
        for entry in laid.iterdir():
            entry.unlink()
        laid.rmdir()
