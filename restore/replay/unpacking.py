"""Unpacks a tar stream of many files onto the volumes of a server that is stopped.

The Docker engine does so, too, for any container, but slower where files are many. Where this
machine is the engine's own, a ``tar`` of the server's image, beside it on its volumes, reads the
stream from a named pipe, so that no byte passes through the engine.
"""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Final

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from restore.adapters.docker.engine import APIError, Container, Mount, answers
from restore.adapters.docker.helpers import HelperOptions, helper
from restore.adapters.docker.runner import TAIL_LINES, Runner
from restore.errors import ReplayError

_PIPE: Final = "/pra-stream"
"""Where the container sees the pipe."""

_DEADLINE: Final = 60.0
"""Seconds until ``tar`` has opened the pipe; on another machine it never does."""


def unpack(runner: Runner, like: str, path: str, chunks: Iterable[bytes]) -> None:
    """Unpack a tar stream into folder ``path`` of the volumes of container ``like``.

    Owners are those of the stream, by number.

    Raises:
        ReplayError: ``tar`` refused, or the disk is full; holds its last words.
    """
    pieces = iter(chunks)
    with ExitStack() as stack:
        try:
            container, pipe = _started(stack, runner, like, path)
        except (APIError, _ElsewhereError):
            stack.close()
            runner.write_archive(like, path, pieces)
            return
        with answers(f"unpack into {path}"):
            broken = _send(pipe, pieces)
            code = container.wait()["StatusCode"]
            if code != 0 or broken is not None:
                words = container.logs(tail=TAIL_LINES).decode(errors="replace").strip()
                raise ReplayError(
                    f"tar could not unpack into {path} (exit code {code}): {words or broken}",
                    "is the disk of the server's volume full?",
                )


class _ElsewhereError(Exception):
    """The engine's machine does not share this one's files."""


def _started(
    stack: ExitStack, runner: Runner, like: str, path: str
) -> tuple[Container, IO[bytes] | None]:
    """Start a container that unpacks what comes through a pipe; the pipe's other end.

    There is no such end when ``tar`` ended before it opened the pipe. Once both ends are open the
    pipe needs no name, so that a run that is killed leaves none.
    """
    options = ("--extract", f"--file={_PIPE}", "--numeric-owner", "--preserve-permissions")
    with tempfile.TemporaryDirectory(prefix="pra-", ignore_cleanup_errors=True) as folder:
        stream = Path(folder) / "stream"
        os.mkfifo(stream)
        # Whatever number the container's root has on this machine.
        stream.chmod(0o644)
        mount = Mount(_PIPE, str(stream), "bind", read_only=True)
        container = stack.enter_context(
            helper(runner, like, ("tar", *options, "-C", path), HelperOptions(mounts=(mount,)))
        )
        container.start()
        return container, _opened(container, stream)


def _opened(container: Container, stream: Path) -> IO[bytes] | None:
    """The pipe, once ``tar`` reads from it; None when that has ended.

    Raises:
        _ElsewhereError: it runs, but doesn't open this machine's pipe.
    """
    wait = Retrying(
        retry=retry_if_result(lambda found: found is None),
        stop=stop_after_delay(_DEADLINE),
        wait=wait_fixed(0.02),
    )
    try:
        number = wait(_number, container, stream)
    except RetryError as error:
        raise _ElsewhereError from error
    return os.fdopen(number, "wb") if number else None


def _number(container: Container, stream: Path) -> int | None:
    """The pipe's file descriptor; None while nobody reads it, 0 when nobody will."""
    try:
        # Without O_NONBLOCK, opening it would wait for a reader for ever.
        number = os.open(stream, os.O_WRONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno != errno.ENXIO:
            raise
        container.reload()
        return 0 if container.status == "exited" else None
    os.set_blocking(number, True)
    return number


def _send(pipe: IO[bytes] | None, chunks: Iterable[bytes]) -> OSError | None:
    """Send a stream to its end; the error when the other side closed the pipe first."""
    if pipe is None:
        return None
    try:
        with pipe:
            for chunk in chunks:
                pipe.write(chunk)
    except BrokenPipeError as error:
        return error
    return None
