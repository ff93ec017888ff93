"""Runs long processes of this machine: output line by line, interrupted before killed.

Commands are argv tuples, never shell strings; secrets travel by standard input.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from restore.adapters import logs
from restore.adapters.docker.runner import Execution
from restore.errors import EnvironmentFailure
from restore.model.secret import Secret

INTERRUPT_GRACE: Final = 120.0
"""Seconds that an interrupted process gets to end what it has begun."""

LAST_GRACE: Final = 10.0

Listener = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Command:
    """What to run, where, and in which environment (the whole of it)."""

    argv: tuple[str, ...]
    folder: Path
    environment: Mapping[str, str]
    stdin: Secret | None = None


def run_attended(
    command: Command, on_output: Listener | None = None, on_error: Listener | None = None
) -> Execution:
    """Run a process to its end, whatever its exit code; ``stdout`` and ``stderr`` are whole.

    Ctrl-C reaches the process as one interrupt, and this function returns (by
    ``KeyboardInterrupt``) once it has ended. If this process is killed, the other is interrupted.

    Raises:
        EnvironmentFailure: it could not be started.
    """
    with logs.timed("process", argv=command.argv) as told:
        ended = _run(command, on_output, on_error)
        told["exit_code"] = ended.exit_code
        return ended


def _run(command: Command, on_output: Listener | None, on_error: Listener | None) -> Execution:
    setpriv = shutil.which("setpriv")
    # Linux then interrupts it when its parent dies.
    dying_with_us = (setpriv, "--pdeathsig", "INT") if setpriv else ()
    try:
        process = subprocess.Popen(
            (*dying_with_us, *command.argv),
            cwd=command.folder,
            env=dict(command.environment),
            stdin=subprocess.PIPE if command.stdin else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            errors="replace",
            # A terminal's Ctrl-C would reach it twice: from the terminal and from here.
            start_new_session=True,
        )
    except OSError as error:
        raise EnvironmentFailure(f"{command.argv[0]} could not be started: {error}") from error
    with process:
        readers: list[_Reader] = []
        try:
            readers.append(_Reader(process.stdout, on_output))
            readers.append(_Reader(process.stderr, on_error))
            if process.stdin is not None and command.stdin is not None:
                # One that has closed it is no error.
                with suppress(BrokenPipeError), process.stdin as stream:
                    stream.write(command.stdin.reveal())
            process.wait()
        except BaseException:
            _end(process)
            raise
        finally:
            texts = [reader.text() for reader in readers]
    return Execution(command.argv, process.returncode, *texts)


def _end(process: subprocess.Popen[str]) -> None:
    """Interrupt a process, ask again when it takes long, then kill it."""
    try:
        for grace in (INTERRUPT_GRACE, LAST_GRACE):
            process.send_signal(signal.SIGINT)
            try:
                process.wait(grace)
            except subprocess.TimeoutExpired:
                continue
            return
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


class _Reader:
    """Reads a stream in a thread, so that no pipe fills up while another is waited for."""

    def __init__(self, stream: IO[str] | None, listener: Listener | None) -> None:
        if stream is None:
            raise ValueError("the process has no such stream")
        self._stream = stream
        self._listener = listener
        self._lines: list[str] = []
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        with self._stream as stream:
            for line in stream:
                text = line.rstrip("\n")
                self._lines.append(text)
                if self._listener is not None:
                    self._listener(text)

    def text(self) -> str:
        """All that was read, once the stream has ended."""
        self._thread.join()
        return "\n".join(self._lines)
