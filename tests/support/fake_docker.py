"""A Docker engine in memory, as httpx's ``MockTransport`` is a server in memory.

It takes the place of the SDK's client, so the real ``Runner``, helpers and probes run on it: what
is tested is what production runs, down to the SDK's own calls. Commands are recorded and answered
by a function; files of containers lie in dictionaries.
"""

from __future__ import annotations

import io
import itertools
import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

from docker.errors import ImageNotFound, NotFound

from restore.adapters.docker.runner import Runner


@dataclass(frozen=True)
class Call:
    """A command that was run in a container, or that a container was made for."""

    container: str
    argv: tuple[str, ...]
    user: str = ""
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """How a command ends. A text alone is the output of one that succeeds."""

    stdout: str = ""
    stderr: str = ""
    exit_code: int = 0


Answering = Callable[[Call], Answer | str]


class FakeContainer:
    """A container: its state, its files, the words of its log."""

    def __init__(
        self, engine: FakeEngine, name: str, attrs: dict[str, Any], **options: Any
    ) -> None:
        self.id, self.name, self.status = name, name, options.pop("status", "running")
        self.labels: dict[str, str] = options.pop("labels", {})
        self.files: dict[str, bytes] = options.pop("files", {})
        self.log: str = options.pop("log", "")
        self.options, self._engine, self._exit_code = options, engine, 0
        self.attrs = {
            "Id": name, "Image": "sha256:abc", "Mounts": [], "Created": "2026-11-24T06:00:00.123Z",
            "HostConfig": {}, "NetworkSettings": {"Networks": {}}, "Config": {},
            "State": {"Status": self.status, "Running": self.status == "running"}, **attrs,
        }  # fmt: skip

    def start(self) -> None:
        """Run its command, where it was made for one."""
        self._engine.started.append(self.name)
        self._set("running")
        if entrypoint := self.options.get("entrypoint"):
            argv = (entrypoint, *self.options["command"])
            answer = self._engine.run(Call(self.name, argv, self.options["user"]))
            self.log, self._exit_code = answer.stdout + answer.stderr, answer.exit_code

    def stop(self, timeout: int = 0) -> None:
        del timeout
        self._set("exited")

    def _set(self, status: str) -> None:
        self.status = self.attrs["State"]["Status"] = status

    def wait(self) -> dict[str, int]:
        return {"StatusCode": self._exit_code}

    def logs(self, *, stream: bool = False, **_options: Any) -> Any:
        return iter((self.log.encode(),)) if stream else self.log.encode()

    def put_archive(self, path: str, archive: bytes) -> None:
        with tarfile.open(fileobj=io.BytesIO(archive)) as members:
            for member in members:
                if content := members.extractfile(member):
                    self.files[f"{path.rstrip('/')}/{member.name}"] = content.read()

    def remove(self, *, force: bool = False, v: bool = False) -> None:
        del force, v
        del self._engine.all[self.id]


class FakeEngine:
    """A Docker engine. ``answer`` says what commands do; without it they succeed mutely.

    ``calls`` are the commands that were run, ``made`` the containers, ``started`` their names.
    """

    def __init__(self, answer: Answering = lambda _call: "") -> None:
        self.answer = answer
        self.calls: list[Call] = []
        self.made: list[FakeContainer] = []
        self.started: list[str] = []
        self.all: dict[str, FakeContainer] = {}
        self.image_names: set[str] = set()
        self.closed = False
        self.facts: dict[str, Any] = {}
        self.api = _Api(self)
        self.containers = SimpleNamespace(get=self.get, list=self.list, create=self.create)
        self.network_attrs: list[dict[str, Any]] = []
        self.networks = SimpleNamespace(
            list=lambda **_options: [SimpleNamespace(attrs=attrs) for attrs in self.network_attrs]
        )
        self.volumes = SimpleNamespace(list=lambda **_options: [])
        self.images = SimpleNamespace(get=self._image, pull=self._image)
        self._numbers = itertools.count()

    @property
    def runner(self) -> Runner:
        """A real runner on this engine."""
        return Runner(cast(Any, self))

    def add(self, name: str, attrs: dict[str, Any] | None = None, **options: Any) -> FakeContainer:
        """A container that is there: ``status``, ``labels``, ``files`` by their paths, ``log``."""
        self.all[name] = FakeContainer(self, name, attrs or {}, **options)
        return self.all[name]

    def run(self, call: Call) -> Answer:
        self.calls.append(call)
        answer = self.answer(call)
        return Answer(answer) if isinstance(answer, str) else answer

    def get(self, name: str) -> FakeContainer:
        if name not in self.all:
            raise NotFound(f"no container {name}")
        return self.all[name]

    def list(self, filters: dict[str, Any] | None = None, **_options: Any) -> list[FakeContainer]:
        wanted = (filters or {"label": []})["label"]
        pairs = [one.partition("=") for one in ([wanted] if isinstance(wanted, str) else wanted)]
        return [
            container
            for container in self.all.values()
            if all(name in container.labels for name, _, _ in pairs)
            and all(not sign or container.labels[name] == value for name, sign, value in pairs)
        ]

    def create(self, image: str, **options: Any) -> FakeContainer:
        name = f"helper-{next(self._numbers)}"
        made = self.add(name, status="created", image=image, **options)
        self.made.append(made)
        for other in options.get("volumes_from", ()):
            made.files = self.get(other).files
        return made

    def _image(self, name: str) -> SimpleNamespace:
        if name not in self.image_names:
            raise ImageNotFound(f"no image {name}, and no such registry")
        return SimpleNamespace(id=f"sha256:{name}", attrs={"Config": {}})

    def close(self) -> None:
        self.closed = True

    def info(self) -> dict[str, Any]:
        return self.facts


class _Api:
    """The SDK's low-level client."""

    def __init__(self, engine: FakeEngine) -> None:
        self.base_url = "http+docker://localhost"
        self._engine = engine
        self._answers: list[Answer] = []

    def exec_create(self, container: str, argv: list[str], **options: Any) -> dict[str, int]:
        self._engine.get(container)
        call = Call(container, tuple(argv), options["user"], dict(options["environment"]))
        self._answers.append(self._engine.run(call))
        return {"Id": len(self._answers) - 1}

    def exec_start(self, number: int, **_options: Any) -> _Frames:
        return _Frames(self._answers[number])

    def exec_inspect(self, number: int) -> dict[str, int]:
        return {"ExitCode": self._answers[number].exit_code}

    def put_archive(self, container: str, path: str, chunks: Iterable[bytes]) -> None:
        self._engine.get(container).put_archive(path, b"".join(chunks))

    def _url(self, _path: str, container: str) -> str:
        return container

    def _get(self, container: str, *, params: dict[str, str], **_options: Any) -> _Archive:
        files, path = self._engine.get(container).files, params["path"].rstrip("/")
        return _Archive(
            {
                name[path.rfind("/") + 1 :]: content
                for name, content in files.items()
                if name == path or name.startswith(f"{path}/")
            }
        )

    def _raise_for_status(self, response: _Archive) -> None:
        if not response.files:
            raise NotFound("no such file")


class _Frames:
    """What a command writes, as the SDK gives it: pairs of stdout and stderr."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._response = io.BytesIO()

    def __iter__(self) -> Iterator[tuple[bytes | None, bytes | None]]:
        yield None, self._answer.stderr.encode()
        yield self._answer.stdout.encode(), None


@dataclass
class _Archive:
    """A response that holds files as a tar archive."""

    files: dict[str, bytes]

    def iter_content(self, _size: int) -> Iterator[bytes]:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, content in self.files.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        # The engine's archives end with two blocks; tarfile fills up a record.
        yield buffer.getvalue()

    def close(self) -> None: ...
