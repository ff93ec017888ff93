"""Unpacks a tar stream of many files onto the volumes of a server that is stopped.

The Docker engine does so, too, for any container, but slower where files are many. A ``tar`` of the
server's own image, beside it on its volumes, is used where the engine is reached through a local
socket, whose writing end can be closed by itself.
"""

from __future__ import annotations

import socket
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from docker.errors import APIError, DockerException, NotFound

from restore.docker_engine import answers
from restore.errors import ReplayError
from restore.runner import TAIL_LINES, Runner


def unpack(runner: Runner, like: str, path: str, chunks: Iterable[bytes]) -> None:
    """Unpack a tar stream into folder ``path`` of the volumes of container ``like``.

    Owners are those of the stream, by number.

    Raises:
        ReplayError: ``tar`` refused, or the disk is full; holds its last words.
    """
    pieces = iter(chunks)
    try:
        helper = _started(runner, like, path)
    except (APIError, _NotLocal):
        runner.write_archive(like, path, pieces)
        return
    container, attached = helper
    try:
        with answers(f"unpack into {path}"):
            broken = _send(attached._sock, pieces)
            code = container.wait()["StatusCode"]
            if code != 0 or broken is not None:
                words = container.logs(tail=TAIL_LINES).decode(errors="replace").strip()
                raise ReplayError(
                    f"tar could not unpack into {path} (exit code {code}): {words or broken}",
                    "is the disk of the server's volume full?",
                )
    finally:
        _close(attached)
        with suppress(DockerException):
            container.remove(force=True)


class _NotLocal(Exception):
    """The engine is reached in a way that can't end a stream by closing one direction of it."""


def _started(runner: Runner, like: str, path: str) -> tuple[Any, Any]:
    """A container that unpacks its standard input, and what the SDK gives for that input."""
    options = ("--extract", "--file=-", "--numeric-owner", "--preserve-permissions")
    container = runner.create_helper(like, ("tar", *options, "-C", path), stdin=True)
    attached: Any = None
    try:
        attached = container.attach_socket(params={"stdin": 1, "stream": 1})
        stream = getattr(attached, "_sock", None)
        if not isinstance(stream, socket.socket) or stream.family != socket.AF_UNIX:
            raise _NotLocal
        stream.settimeout(None)
        container.start()
    except BaseException:
        if attached is not None:
            _close(attached)
        with suppress(NotFound):
            container.remove(force=True)
        raise
    return container, attached


def _close(attached: Any) -> None:
    """Close a stream of the SDK, and the answer that it came with."""
    # The answer closes what reads from the socket, and leaves the socket itself open.
    stream, answer = getattr(attached, "_sock", None), getattr(attached, "_response", None)
    for one in (answer, stream):
        if one is not None:
            with suppress(OSError, ValueError):
                one.close()


def _send(stream: socket.socket, chunks: Iterable[bytes]) -> OSError | None:
    """Send a stream to its end; what broke it, when the other side ended first."""
    for chunk in chunks:
        try:
            stream.sendall(chunk)
        except OSError as error:
            return error
    stream.shutdown(socket.SHUT_WR)
    return None
