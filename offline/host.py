"""The machine as set-up sees it: its programs, its user, its environment.

Steps touch the machine through `Host` only, so tests give them a host that is not there.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from offline.paths import Places

STAMP_HOURS = 24
TAIL_LINES = 15


class SetupError(Exception):
    """A step could not be done: what failed, what to do next, and where the log is."""

    def __init__(self, message: str, *, hint: str = "", log: Path | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.log = log

    def __str__(self) -> str:
        parts = [self.message]
        if self.hint:
            parts.append(f"what to do: {self.hint}")
        if self.log is not None:
            parts.append(f"log: {self.log}")
            parts.extend(f"  | {line}" for line in tail(self.log))
        return "\n".join(parts)


def tail(log: Path, lines: int = TAIL_LINES) -> list[str]:
    """Return the last `lines` lines of a log, none when it cannot be read."""
    try:
        return log.read_text(encoding="utf-8", errors="replace").splitlines()[-lines:]
    except OSError:
        return []


def text_of(path: Path) -> str:
    """Return the text of a file, none when it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run: its output goes to the log of that name; `timeout` is in seconds.

    `hint` says what to do when it fails.
    """

    argv: Sequence[str | Path]
    log: str
    cwd: Path | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    timeout: float | None = None
    hint: str = ""


@dataclass(slots=True)
class Host:
    """Runs programs, looks for them, and remembers which official site does not answer."""

    places: Places
    environ: Mapping[str, str]
    # What each thread is doing right now, for the progress line.
    doing: dict[int, str] = field(default_factory=dict)
    _apt: threading.Lock = field(default_factory=threading.Lock)
    _apt_updated: bool = False

    def say(self, text: str) -> None:
        """Tell what the current step is doing; shown with its progress."""
        self.doing[threading.get_ident()] = text

    def which(self, program: str) -> Path | None:
        found = shutil.which(program, path=self.environ.get("PATH"))
        return Path(found) if found else None

    def is_root(self) -> bool:
        return os.geteuid() == 0

    def log(self, name: str) -> Path:
        self.places.logs.mkdir(parents=True, exist_ok=True)
        return self.places.logs / f"setup-{name}.log"

    def run(self, command: Command) -> str:
        """Run a program to its end and return what it printed.

        Raises SetupError, with the log, when it cannot be run, fails or takes longer.
        """
        words = [str(word) for word in command.argv]
        path, hint = self.log(command.log), command.hint
        name = Path(words[0]).name
        with path.open("a", encoding="utf-8") as out:
            out.write(f"$ {' '.join(words)}\n")
            out.flush()
            try:
                done = subprocess.run(
                    words,
                    cwd=command.cwd,
                    env={**self.environ, **command.variables},
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=out,
                    timeout=command.timeout,
                    text=True,
                    errors="replace",
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise SetupError(
                    f"{name} took more than {command.timeout:.0f} s", hint=hint, log=path
                ) from error
            except OSError as error:
                raise SetupError(f"{name} cannot be run: {error}", hint=hint, log=path) from error
            out.write(done.stdout)
        if done.returncode != 0:
            raise SetupError(f"{name} failed (exit {done.returncode})", hint=hint, log=path)
        return done.stdout

    def apt_install(self, packages: Sequence[str], *, log: str) -> None:
        """Install Debian packages as root. Raises SetupError when that is not possible."""
        install = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
        if self.which("apt-get") is None:
            raise SetupError(
                f"not a Debian-like system: cannot install {', '.join(packages)}",
                hint="install the like with the system's own package manager, then set up again",
            )
        if not self.is_root():
            raise SetupError(
                f"{', '.join(packages)} missing, and only root can install",
                hint=f"as root: apt-get update; {shlex.join(install)}; then set up again",
            )
        # Threads share the packager's one lock: wait here, rather than fail there.
        with self._apt:
            variables = {"DEBIAN_FRONTEND": "noninteractive"}
            if not self._apt_updated:
                self.say("apt-get update")
                self.run(Command(["apt-get", "update"], log, variables=variables))
                self._apt_updated = True
            self.say(f"installing {', '.join(packages)}")
            self.run(Command(install, log, variables=variables))

    def may_download(self, site: str) -> bool:
        """Say whether an official site is worth a try: not if it did not answer lately."""
        if self.environ.get("PRA_RETRY_DOWNLOADS") == "1":
            return True
        try:
            age = time.time() - (self.places.downloads / site).stat().st_mtime
        except FileNotFoundError:
            return True
        return age > STAMP_HOURS * 3600

    def remember_unreachable(self, site: str, why: str) -> None:
        """Keep that a site did not answer, so that the next set-ups do not wait for it."""
        self.places.downloads.mkdir(parents=True, exist_ok=True)
        (self.places.downloads / site).write_text(f"{why}\n", encoding="utf-8")

    def download(self, url: str, target: Path, *, timeout: float) -> None:
        """Fetch `url` into `target`; `timeout` (seconds) is for each silence, not for the whole.

        Raises SetupError when the site does not answer or refuses.
        """
        request = urllib.request.Request(url, headers={"User-Agent": "pra-setup"})  # noqa: S310
        try:
            with (
                urllib.request.urlopen(request, timeout=timeout) as answer,  # noqa: S310
                target.open("wb") as out,
            ):
                shutil.copyfileobj(answer, out, 1 << 20)
        except (urllib.error.URLError, OSError) as error:
            raise SetupError(f"{url} cannot be fetched: {error}") from error
