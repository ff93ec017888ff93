"""A tree of documents as the ERP's own user sees it: hashed where it lies, streamed out."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final

from restore.adapters.docker.runner import Runner
from restore.errors import ReplayError

# What find and the hash tools say of a file or folder that they can't read, in the C locale.
_COMPLAINT: Final = re.compile(r"^[\w-]+: (?:cannot \w+ (?:directory )?)?(?P<path>.+): [^:]+$")
_LINE: Final = re.compile(r"^(?P<escaped>\\?)(?P<digest>[0-9a-f]{32,128}) [ *](?P<path>.*)$", re.S)
_ESCAPES: Final = {"\\\\": "\\", "\\n": "\n", "\\r": "\r"}


@dataclass(slots=True)
class Tree:
    """What lies in a folder: digests by path relative to it, and what could not be read.

    Holds one digest a file: about 150 bytes for each.
    """

    digests: dict[str, bytes] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    missing: bool = False
    """The folder itself is not there."""

    def unreadable_reason(self, path: str) -> str | None:
        """Why a file could not be read, itself or through a folder above it; None if it could."""
        parts = path.split("/")
        above = ("/".join(parts[:length]) for length in range(len(parts), -1, -1))
        return next((self.unreadable[name] for name in above if name in self.unreadable), None)


def hash_tree(runner: Runner, container: str, folder: str, algorithm: str, user: str) -> Tree:
    """Hash every file under ``folder`` inside a running container, as ``user``.

    Args:
        algorithm: name of a checksum that the container has a tool for (``sha1`` → ``sha1sum``).

    Raises:
        ReplayError: the tools failed otherwise than on a file that can't be read.
        EnvironmentFailure: the container does not run.
    """
    tree = Tree()
    complaints: list[str] = []

    def complain(line: str) -> None:
        if not _note(tree, folder, line):
            complaints.append(line)

    tool = f"{algorithm}sum"
    argv = ("find", folder, "-type", "f", "-exec", tool, "--", "{}", "+")
    output = runner.lines(
        container, argv, user=user, environment={"LC_ALL": "C"}, on_error_line=complain
    )
    try:
        for line in output:
            _take(tree, folder, line)
    except ReplayError:
        if complaints or not (tree.unreadable or tree.missing):
            raise
    return tree


def _take(tree: Tree, folder: str, line: str) -> None:
    match = _LINE.match(line)
    if match is None:
        raise ReplayError(f"the checksum tool wrote a line of another form for {folder}")
    path = match["path"]
    if match["escaped"]:
        path = re.sub(r"\\[\\nr]", lambda found: _ESCAPES[found[0]], path)
    tree.digests[path.removeprefix(f"{folder}/")] = bytes.fromhex(match["digest"])


def _note(tree: Tree, folder: str, line: str) -> bool:
    """Keep what a complaint says; False when it is about something else than a file."""
    match = _COMPLAINT.match(line)
    path = match["path"].strip("'\"‘’") if match else ""
    if path != folder and not path.startswith(f"{folder}/"):
        return False
    reason = line.rpartition(": ")[2]
    if path == folder and reason == "No such file or directory":
        tree.missing = True
    else:
        tree.unreadable[path.removeprefix(folder).removeprefix("/")] = reason
    return True
