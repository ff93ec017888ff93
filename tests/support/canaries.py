"""Looks for secrets where anyone could read them, all the while that a command runs.

Argument lists of every process of this machine, containers' too; what Docker tells of containers of
ours, and their logs; the files of Pulumi's state and of the stacks' settings.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from docker.errors import DockerException

from restore.adapters.docker.runner import LABEL, Runner
from restore.model import locations, stack_names

PAUSE = 0.05
"""Seconds between two looks at processes; commands that take less than that are rarely seen."""
_SECRET_SETTING = re.compile(r"^(?:admin_passwd|db_password) = (\S+)$", re.MULTILINE)
_KEY_BODY = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----\n\S+\n(\S{20,})")
"""The second line: the first begins alike in every key."""


def canaries_of(generation: Path) -> dict[str, str]:
    """The secrets of a generation's configuration and certificate, each under a name to tell."""
    found: dict[str, str] = {}
    folders = generation / "configuration", generation / "certificate"
    for path in sorted(path for folder in folders for path in folder.rglob("*") if path.is_file()):
        text = path.read_text(encoding="utf-8", errors="replace")
        for pattern in (_SECRET_SETTING, _KEY_BODY):
            for number, value in enumerate(pattern.findall(text)):
                found[f"{path.name} {number} of the backup"] = value
    return found


@dataclass
class Watch:
    """What was looked at, and where which secret was seen; never the secret itself."""

    runner: Runner
    canaries: Mapping[str, str]
    seen: set[str] = field(default_factory=set)
    looked: set[str] = field(default_factory=set)
    ran: set[str] = field(default_factory=set)
    """The programs that were seen to run."""

    def look(self, where: str, kind: str, text: str) -> None:
        """Note each canary of a text."""
        self.looked.add(kind)
        for name, canary in self.canaries.items():
            if canary in text or json.dumps(canary)[1:-1] in text:
                self.seen.add(f"{name}: {where}")

    def processes(self) -> None:
        """The arguments of every process that this machine runs."""
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                words = (process / "cmdline").read_bytes().replace(b"\0", b" ")
                argv = words.decode(errors="replace")
                if argv:
                    self.ran.add(argv.split()[0])
                    self.look(f"arguments of {argv.split()[0]}", "arguments", argv)

    def containers(self) -> None:
        """What Docker tells of containers of ours, of what runs in them, and their logs."""
        api = self.runner.client.api
        for found in api.containers(all=True, filters={"label": LABEL}):
            stack = found["Labels"][LABEL]
            # Other people's productions are not the engine's.
            if not stack.startswith((stack_names.EPHEMERAL, stack_names.IMPORT, "test-")):
                continue
            with suppress(DockerException):
                inspected: dict[str, Any] = api.inspect_container(found["Id"])
                where = inspected["Name"]
                self.look(f"inspect {where}", "inspect", json.dumps(inspected))
                for one in inspected.get("ExecIDs") or ():
                    with suppress(DockerException):
                        told = json.dumps(api.exec_inspect(one))
                        self.look(f"exec in {where}", "exec", told)
                log = api.logs(found["Id"]).decode(errors="replace")
                self.look(f"log of {where}", "log", log)

    def files(self, *folders: Path) -> None:
        """Every file below the folders."""
        for folder in folders:
            for path in folder.rglob("*"):
                with suppress(OSError):
                    if path.is_file():
                        text = path.read_bytes().decode(errors="replace")
                        self.look(str(path), folder.name, text)


@contextmanager
def watched(runner: Runner, canaries: Mapping[str, str], *folders: Path) -> Iterator[Watch]:
    """Look all the while that the body runs, and once more at its end."""
    watch, over = Watch(runner, canaries), threading.Event()
    state, logs = locations.STATE / "state", locations.STATE / "logs"

    def processes() -> None:
        while not over.wait(PAUSE):
            watch.processes()

    def rest() -> None:
        while not over.wait(10 * PAUSE):
            watch.containers()
            watch.files(state, logs, locations.LOCKS)
            for settings in locations.ROOT.glob("Pulumi.*.yaml"):
                with suppress(OSError):
                    watch.look(settings.name, "settings", settings.read_text(encoding="utf-8"))

    threads = [threading.Thread(target=target) for target in (processes, rest)]
    for thread in threads:
        thread.start()
    try:
        yield watch
    finally:
        over.set()
        for thread in threads:
            thread.join()
        watch.files(state, logs, *folders)
