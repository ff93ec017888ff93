"""The Docker engine's API over its socket, as far as set-up needs it.

Neither the docker command nor the Python SDK is needed: set-up runs before the latter is there,
and the former may be missing, or of another age than the engine.
"""

from __future__ import annotations

import http.client
import json
import socket
import tarfile
from dataclasses import dataclass, field
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from offline.host import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

JSON = dict[str, Any]


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout: float | None) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


@dataclass(frozen=True, slots=True)
class Request:
    """A request to the engine. `timeout` is in seconds, for each silence."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: bytes | IO[bytes] | None = None
    kind: str = "application/json"
    timeout: float | None = 60
    accept: tuple[int, ...] = (200, 201, 204)


@dataclass(frozen=True, slots=True)
class Docker:
    """An engine at `address` (`unix://…` or `tcp://…`). Every method raises SetupError."""

    address: str

    def _connect(self, timeout: float | None) -> http.client.HTTPConnection:
        url = urlsplit(self.address)
        if url.scheme == "unix":
            return UnixConnection(url.path, timeout)
        if url.scheme in {"tcp", "http"}:
            return http.client.HTTPConnection(url.hostname or "", url.port or 2375, timeout=timeout)
        raise SetupError(
            f"DOCKER_HOST={self.address}: set-up knows unix:// and tcp:// only",
            hint="use a local engine: a drill reaches containers by their own addresses",
        )

    def call(self, request: Request) -> http.client.HTTPResponse:
        """Send a request, return the answer unread. Another status than `accept` is an error."""
        connection = self._connect(request.timeout)
        streamed = not (request.body is None or isinstance(request.body, bytes))
        try:
            connection.request(
                request.method,
                request.path + ("?" + urlencode(request.query) if request.query else ""),
                request.body,
                {"Content-Type": request.kind, "Connection": "close"},
                encode_chunked=streamed,
            )
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise SetupError(f"Docker at {self.address}: {error}") from error
        if answer.status not in request.accept:
            text = answer.read().decode("utf-8", "replace")
            raise SetupError(f"Docker refused {request.method} {request.path}: {_message(text)}")
        return answer

    def json(self, request: Request) -> JSON:
        """Send a request and return the JSON object that it is answered with."""
        value: JSON = json.loads(self.call(request).read() or b"{}")
        return value

    def version(self) -> str:
        """Return the engine's version; answers within 3 seconds or fails."""
        return str(self.json(Request("GET", "/version", timeout=3))["Version"])

    def image(self, name: str) -> JSON | None:
        """Return what the engine knows of an image, None when it has none of that name."""
        found = self.json(Request("GET", f"/images/{quote(name)}/json", accept=(200, 404)))
        return found if "Id" in found else None

    def follow(
        self, answer: http.client.HTTPResponse, told: Callable[[str], None]
    ) -> Iterator[JSON]:
        """Read an answer made of JSON lines: pass on its texts, yield each; an error raises."""
        try:
            for line in answer:
                if not line.strip():
                    continue
                event: JSON = json.loads(line)
                if text := event.get("stream") or event.get("status"):
                    told(str(text))
                if "error" in event:
                    raise SetupError(f"Docker: {event['error']}")
                yield event
        except (OSError, http.client.HTTPException) as error:
            raise SetupError(f"Docker stopped answering: {error}") from error
        finally:
            answer.close()

    def build(
        self, folder: bytes, arguments: Mapping[str, str], told: Callable[[str], None]
    ) -> str:
        """Build a folder given as a tar, on the host's network; return the image's ID."""
        given = json.dumps(dict(arguments))
        query = {"networkmode": "host", "rm": "1", "forcerm": "1", "buildargs": given}
        request = Request("POST", "/build", query, folder, "application/x-tar", timeout=1800)
        made = ""
        for event in self.follow(self.call(request), told):
            made = event.get("aux", {}).get("ID", made)
        if not made:
            raise SetupError("Docker ended a build without saying which image it made")
        return made

    def pull(self, name: str, tag: str, told: Callable[[str], None]) -> None:
        """Pull an image. A registry that says nothing for 20 s counts as unreachable."""
        query = {"fromImage": name, "tag": tag}
        request = Request("POST", "/images/create", query=query, timeout=20)
        for _ in self.follow(self.call(request), told):
            pass

    def import_root(self, tar: IO[bytes], name: str, tag: str, comment: str) -> None:
        """Make an image of one layer out of a root file system."""
        query = {"fromSrc": "-", "repo": name, "tag": tag, "message": comment}
        request = Request("POST", "/images/create", query, tar, "application/x-tar", timeout=300)
        for _ in self.follow(self.call(request), lambda _: None):
            pass

    def tag(self, image: str, name: str, tag: str) -> None:
        self.call(
            Request("POST", f"/images/{quote(image)}/tag", query={"repo": name, "tag": tag})
        ).close()

    def read_and_commit(self, image: str, path: str, changes: Callable[[bytes], JSON]) -> str:
        """Read a file of an image, make a new image of it with `changes(file)`, return its ID.

        `changes` returns `repo`, `tag` and `changes` (Dockerfile instructions, one a line).
        """
        made = self.json(
            Request("POST", "/containers/create", body=json.dumps({"Image": image}).encode())
        )
        container = made["Id"]
        try:
            answer = self.call(
                Request("GET", f"/containers/{container}/archive", query={"path": path})
            )
            with tarfile.open(fileobj=BytesIO(answer.read())) as archive:
                member = archive.extractfile(archive.getmembers()[0])
                content = member.read() if member else b""
            query = {"container": container, **changes(content)}
            return str(
                self.json(Request("POST", "/commit", query=query, body=b"{}", timeout=300))["Id"]
            )
        finally:
            self.call(Request("DELETE", f"/containers/{container}", query={"v": "1"})).close()

    def forget(self, image: str) -> None:
        """Remove an image unless something still uses it."""
        self.call(Request("DELETE", f"/images/{quote(image)}", accept=(200, 404, 409))).close()


def tar_of(files: Mapping[str, tuple[bytes, int]]) -> bytes:
    """Return a tar of files: name → (content, mode). The same input gives the same bytes."""
    out = BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name in sorted(files):
            content, mode = files[name]
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(content), mode
            archive.addfile(member, BytesIO(content))
    return out.getvalue()


def read_folder(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Return the files below a folder: relative name → (content, mode 0755 or 0644)."""
    return {
        path.relative_to(folder).as_posix(): (
            path.read_bytes(),
            0o755 if path.stat().st_mode & 0o100 else 0o644,
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def _message(text: str) -> str:
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()
