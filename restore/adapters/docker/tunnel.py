"""Forwards a local port into a container's network, through the Docker engine alone.

Each connection is carried by a command in the container that copies its input to an address, and
back. So whatever carries Docker's own commands (a socket, ``ssh://``, a virtual machine) carries a
connection to PostgreSQL or a web server, and nothing is published for it.
"""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any, Final, cast

import docker
from docker.errors import DockerException

from restore.adapters.docker.engine import answers
from restore.errors import EnvironmentFailure
from restore.model import Relay

_CHUNK: Final = 1 << 16
_ACCEPT_SECONDS: Final = 0.2
STDOUT: Final = 1

# Images have bash or netcat. When one direction ends, so does the connection: what PostgreSQL and
# web clients do. The children are waited for: PostgreSQL, being the container's first process,
# would get them as orphans, take a killed one for a server process that crashed, and restart.
_RELAY: Final = """\
if command -v bash >/dev/null; then
  exec bash -c 'exec 3<>"/dev/tcp/$0/$1" || exit 1
    cat <&3 & reader=$!
    cat <&4 >&3 & writer=$!
    wait -n
    kill "$reader" "$writer" 2>/dev/null
    wait' "$0" "$1" 4<&0
fi
exec nc "$0" "$1"
"""

Write = Callable[[bytes], Any]


def relay_argv(address: str, port: int) -> tuple[str, ...]:
    """The command that copies its input to an address, and back."""
    return ("sh", "-c", _RELAY, address, str(port))


class Tunnel:
    """Listens on 127.0.0.1 from the moment it is made until it is closed.

    Whoever connects to ``port`` reaches what the relay's container reaches at the relay's address.
    """

    def __init__(self, client: docker.DockerClient, relay: Relay) -> None:
        self._client = client
        self._relay = relay
        self._closed = threading.Event()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(_ACCEPT_SECONDS)
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._listen, name="tunnel", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End every connection and listen no more."""
        self._closed.set()
        self._thread.join()
        self._listener.close()
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        while not self._closed.is_set():
            try:
                caller, _ = self._listener.accept()
            except TimeoutError:
                continue
            caller.settimeout(None)
            threading.Thread(target=self._carry, args=(caller,), daemon=True).start()

    def _carry(self, caller: socket.socket) -> None:
        """Serve one connection; closed when the relay can't start: its caller tries again."""
        with self._lock:
            self._open.add(caller)
        try:
            with closing(caller), suppress(OSError, DockerException, EnvironmentFailure):
                self._copy(caller)
        finally:
            with self._lock:
                self._open.discard(caller)

    def _copy(self, caller: socket.socket) -> None:
        relay, api = self._relay, self._client.api
        with answers(f"reach {relay.address}:{relay.port} from container {relay.container[:12]}"):
            argv = list(relay_argv(relay.address, relay.port))
            made = api.exec_create(relay.container, argv, stdin=True)["Id"]
            stream = cast(Any, api.exec_start(made, socket=True))
        try:
            read, write = ends(stream)
            there = threading.Thread(target=_outwards, args=(caller, write, stream), daemon=True)
            there.start()
            while (frame := read_frame(read)) is not None:
                kind, content = frame
                if kind == STDOUT:
                    caller.sendall(content)
            with suppress(OSError):
                caller.shutdown(socket.SHUT_RDWR)
            there.join()
        finally:
            hang_up(stream)
            end_stream(stream)


def _outwards(caller: socket.socket, write: Write, stream: Any) -> None:
    """Copy what the caller sends to the container; when it stops sending, end the relay."""
    with suppress(OSError, ValueError):
        while content := caller.recv(_CHUNK):
            write(content)
    hang_up(stream)


def ends(stream: Any) -> tuple[Callable[[int], bytes], Write]:
    """Functions that read from and write to the SDK's stream, by its kind: socket or ssh."""
    process = getattr(stream, "proc", None)
    if process is not None:
        return process.stdout.read1, stream.sendall
    raw = getattr(stream, "_sock", stream)
    # A connection to a database may be silent for as long as an index takes.
    raw.settimeout(None)
    return raw.recv, raw.sendall


def hang_up(stream: Any, how: int = socket.SHUT_RDWR) -> None:
    """End what is sent, and with ``SHUT_RDWR`` what is received, too."""
    process = getattr(stream, "proc", None)
    with suppress(OSError, ValueError):
        if process is not None:
            # Told on to the engine, which ends the relay's input; killed, ssh would tell nothing.
            process.stdin.close()
            return
        raw = getattr(stream, "_sock", stream)
        raw.shutdown(how)


def end_stream(stream: Any) -> None:
    """Close a stream and its HTTP response; end the ssh process that carried it, if any."""
    process, raw = getattr(stream, "proc", None), getattr(stream, "_sock", None)
    if raw is not None:
        for one in (getattr(stream, "_response", None), stream, raw):
            if one is not None:
                one.close()
    if process is not None:
        process.terminate()
        process.wait()
        process.stdout.close()


def read_frame(read: Callable[[int], bytes]) -> tuple[int, bytes] | None:
    """Read one frame: which output it belongs to (1 is stdout) and its content; None at the end."""
    head = _exactly(read, 8)
    if head is None:
        return None
    kind, size = struct.unpack(">BxxxL", head)
    content = _exactly(read, size)
    return None if content is None else (kind, content)


def _exactly(read: Callable[[int], bytes], size: int) -> bytes | None:
    content = b""
    while len(content) < size:
        piece = read(size - len(content))
        if not piece:
            return None
        content += piece
    return content
