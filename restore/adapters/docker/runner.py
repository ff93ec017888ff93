"""The only caller of ``docker exec``: commands and files of containers.

Commands are argv tuples, never shell strings; secrets travel by environment. The tail of stderr
goes into the error.
"""

from __future__ import annotations

import io
import os
import socket
import tarfile
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import IO, Any, Final, cast

import docker
from docker.errors import DockerException, ImageNotFound, NotFound
from docker.models.containers import Container

from restore.adapters import logs
from restore.adapters.docker.engine import answers
from restore.adapters.docker.tunnel import STDOUT, end_stream, ends, hang_up, read_frame
from restore.adapters.streams import CHUNK, ChunkReader, LineSplitter
from restore.adapters.tool_output import presentable
from restore.errors import EnvironmentFailure, NotFoundError, ReplayError
from restore.model import LOCAL, ImageFacts
from restore.model.messages import message
from restore.model.secret import Secret

LABEL: Final = "pra.stack"
"""Label that every container, network and volume of ours carries; its value is the stack."""

ROLE: Final = "pra.role"
"""Label of what a container of ours is there for."""

TAIL_LINES: Final = 20

_NO_ENVIRONMENT: Final[Mapping[str, str | Secret]] = {}


@dataclass(frozen=True, slots=True)
class Execution:
    """How a command ended: exit code, all of stdout, the last lines of stderr."""

    argv: tuple[str, ...]
    exit_code: int
    stdout: str
    stderr: str


@dataclass(frozen=True, slots=True)
class ImageDescription:
    """An image that is present: its identity, its environment variables and its labels."""

    facts: ImageFacts
    variables: Mapping[str, str]


class Runner:
    """Runs commands and reads and writes files in the containers of one Docker engine.

    ``others`` gives the engines of containers, by id, that stand elsewhere.
    """

    def __init__(
        self, client: docker.DockerClient, others: Mapping[str, docker.DockerClient] | None = None
    ) -> None:
        self._client = client
        self._others = dict(others or {})

    @classmethod
    def connect(cls, host: str | None = None, timeout: float = 600) -> Runner:
        """Reach the Docker engine at ``host`` (``DOCKER_HOST`` or the local socket when None).

        Args:
            timeout: of each request, in seconds.

        Raises:
            EnvironmentFailure: no engine answers.
        """
        named = host if host != LOCAL else None
        environment = {**os.environ, **({"DOCKER_HOST": named} if named else {})}
        where = environment.get("DOCKER_HOST", "")
        try:
            # The machine's own ssh knows keys, jump hosts and known hosts.
            client = docker.from_env(
                environment=environment,
                timeout=int(timeout),
                use_ssh_client=where.startswith("ssh://"),
            )
            client.ping()
        except (DockerException, OSError) as error:
            if named is not None:
                raise EnvironmentFailure(
                    f"no Docker engine answers at {named}: {error}",
                    f"does 'docker -H {named} version' answer? see the stack's setting hosts",
                ) from error
            raise EnvironmentFailure(
                message("no Docker engine answers: {error}", error=error),
                message("run 'make setup', or set DOCKER_HOST"),
            ) from error
        return cls(client)

    @property
    def client(self) -> docker.DockerClient:
        """The SDK's client, for reading states that this class doesn't wrap."""
        return self._client

    def reaching(self, others: Mapping[str, Runner]) -> Runner:
        """A runner that also finds these containers, by id, on the engines of other runners."""
        return Runner(
            self._client, {**self._others, **{name: one.client for name, one in others.items()}}
        )

    def engine_of(self, container: str) -> docker.DockerClient:
        """The client of the engine that a container stands on."""
        return self._others.get(container, self._client)

    @property
    def clients(self) -> tuple[docker.DockerClient, ...]:
        """The clients of every engine that its containers stand on, each once."""
        return tuple({id(one): one for one in (self._client, *self._others.values())}.values())

    def close(self) -> None:
        """Close the connection to its own engine; others belong to those who opened them."""
        self._client.close()

    def container(self, name: str) -> Container:
        """Find a container by name or id.

        Raises:
            NotFoundError: there is none.
        """
        with answers(f"look up container {name}"):
            try:
                return self.engine_of(name).containers.get(name)
            except NotFound as error:
                raise NotFoundError(
                    f"container {name} does not exist",
                    "'docker ps -a' shows which do; has its stack been destroyed?",
                ) from error

    def execute(
        self,
        container: str,
        argv: tuple[str, ...],
        *,
        user: str = "",
        environment: Mapping[str, str | Secret] = _NO_ENVIRONMENT,
    ) -> Execution:
        """Run a command in a running container and wait for its end, whatever its exit code."""
        stdout: list[str] = []
        output = self._lines(container, argv, user, environment)
        while True:
            try:
                stdout.append(next(output))
            except StopIteration as stop:
                code, stderr = stop.value
                return Execution(argv, code, "\n".join(stdout), stderr)

    def check(
        self,
        container: str,
        argv: tuple[str, ...],
        *,
        user: str = "",
        environment: Mapping[str, str | Secret] = _NO_ENVIRONMENT,
    ) -> str:
        """Run a command that must succeed and return its output.

        Raises:
            ReplayError: it exited otherwise than 0; holds the tail of stderr.
        """
        return "\n".join(self.lines(container, argv, user=user, environment=environment))

    def lines(
        self,
        container: str,
        argv: tuple[str, ...],
        *,
        user: str = "",
        environment: Mapping[str, str | Secret] = _NO_ENVIRONMENT,
        on_error_line: Callable[[str], None] | None = None,
    ) -> Iterator[str]:
        """Yield the output of a command that must succeed, line by line, in constant memory.

        Args:
            on_error_line: called with each line of stderr, for tools that report progress there.

        Raises:
            ReplayError: it exited otherwise than 0; raised after the last line.
        """
        code, said = yield from self._lines(container, argv, user, environment, on_error_line)
        _require_success(container, argv, code, said)

    def _lines(
        self,
        container: str,
        argv: tuple[str, ...],
        user: str,
        environment: Mapping[str, str | Secret],
        on_error_line: Callable[[str], None] | None = None,
    ) -> Generator[str, None, tuple[int, str]]:
        """Yield lines of stdout; return the exit code and the last lines of stderr."""
        api = self.engine_of(container).api
        said: deque[str] = deque(maxlen=TAIL_LINES)

        def keep(line: str) -> None:
            said.append(line)
            if on_error_line is not None:
                on_error_line(line)

        plain = {
            key: value.reveal() if isinstance(value, Secret) else value
            for key, value in environment.items()
        }
        with (
            logs.timed("command", container=container[:12], argv=argv, user=user) as told,
            answers(f"run {argv[0]} in container {container[:12]}"),
        ):
            exec_id = api.exec_create(container, list(argv), user=user, environment=plain)["Id"]
            out, err = LineSplitter(), LineSplitter()
            frames = api.exec_start(exec_id, stream=True, demux=True)
            # The stream's own close() leaves the connection open: close the answer itself.
            with closing(cast(Any, frames)._response):
                for stdout, stderr in frames:
                    for line in err.feed(stderr):
                        keep(line)
                    yield from out.feed(stdout)
            for line in err.rest():
                keep(line)
            yield from out.rest()
            told["exit_code"] = code = cast(int, api.exec_inspect(exec_id)["ExitCode"])
            return code, "\n".join(said)

    def feed(
        self, container: str, argv: tuple[str, ...], chunks: Iterable[bytes], *, user: str
    ) -> str:
        """Run a command that must succeed on what it reads from its standard input.

        An error of ``chunks`` is raised once the command has ended on what it had read until then.

        Raises:
            ReplayError: it exited otherwise than 0; holds the tail of stderr.
        """
        out, err = LineSplitter(), LineSplitter()
        stdout: list[str] = []
        stderr: deque[str] = deque(maxlen=TAIL_LINES)
        wrong: list[BaseException] = []
        api = self.engine_of(container).api
        with (
            logs.timed("command", container=container[:12], argv=argv, user=user) as told,
            answers(f"run {argv[0]} in container {container[:12]}"),
        ):
            made = api.exec_create(container, list(argv), user=user, stdin=True)["Id"]
            stream = cast(Any, api.exec_start(made, socket=True))
            try:
                read, write = ends(stream)

                def give() -> None:
                    try:
                        for chunk in chunks:
                            write(chunk)
                    except (BrokenPipeError, ConnectionError):
                        # It ended before it had read everything: its exit code tells why.
                        pass
                    except BaseException as error:
                        wrong.append(error)
                    hang_up(stream, socket.SHUT_WR)

                giver = threading.Thread(target=give, name="pra-feed", daemon=True)
                giver.start()
                while (frame := read_frame(read)) is not None:
                    kind, content = frame
                    (stdout.extend if kind == STDOUT else stderr.extend)(
                        (out if kind == STDOUT else err).feed(content)
                    )
                giver.join()
            finally:
                end_stream(stream)
            stdout += out.rest()
            stderr += err.rest()
            told["exit_code"] = code = cast(int, api.exec_inspect(made)["ExitCode"])
        if wrong:
            raise wrong[0]
        _require_success(container, argv, code, "\n".join(stderr))
        return "\n".join(stdout)

    def read_archive(
        self, container: str, path: str
    ) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
        """Yield the members of ``path`` in a container, running or not, as a tar stream.

        Each member's file must be read before the next is asked for; folders and links come with
        an empty file. Names start with the last part of ``path``.

        Raises:
            NotFoundError: the container has no such path.
            tarfile.TarError: the stream has no end, so that files may be missing.
        """
        # The SDK's own get_archive() leaves the connection open when it is not read to its end.
        api = cast(Any, self.engine_of(container).api)
        with answers(f"read {path} of container {container[:12]}"):
            url = api._url("/containers/{0}/archive", container)
            with closing(api._get(url, params={"path": path}, stream=True)) as response:
                try:
                    api._raise_for_status(response)
                except NotFound as error:
                    raise NotFoundError(f"container {container[:12]} has no {path}") from error
                stream = ChunkReader(response.iter_content(CHUNK))
                with tarfile.open(fileobj=cast(Any, stream), mode="r|") as archive:
                    for member in archive:
                        content = archive.extractfile(member) if member.isreg() else None
                        yield member, content if content is not None else io.BytesIO()
                stream.require_end()

    def read_file(self, container: str, path: str) -> bytes:
        """Read one small file of a container, running or not.

        Raises:
            NotFoundError: the container has no such file.
        """
        for member, content in self.read_archive(container, path):
            if member.isreg():
                return content.read()
        raise NotFoundError(f"{path} of container {container[:12]} is no file")

    def write_archive(self, container: str, path: str, chunks: Iterable[bytes]) -> None:
        """Unpack a tar stream into folder ``path`` of a container, running or not.

        Raises:
            NotFoundError: the container has no such folder.
        """
        logs.event("write into container", container=container[:12], path=path)
        with answers(f"write into {path} of container {container[:12]}"):
            try:
                self.engine_of(container).api.put_archive(container, path, iter(chunks))
            except NotFound as error:
                raise NotFoundError(f"container {container[:12]} has no folder {path}") from error

    def start(self, container: str) -> None:
        """Start a container; nothing happens when it runs."""
        found = self.container(container)
        logs.event("start container", container=container[:12])
        with answers(f"start container {container[:12]}"):
            found.start()

    def stop(self, container: str, grace: int = 20) -> None:
        """Stop a container, killing it after ``grace`` seconds; nothing happens when it stands."""
        found = self.container(container)
        logs.event("stop container", container=container[:12])
        with answers(f"stop container {container[:12]}"):
            found.stop(timeout=grace)

    def image(self, reference: str, *, beside: str = "") -> ImageDescription | None:
        """Describe an image that is present on the engine; None when it is not.

        Args:
            beside: a container, on whose engine to look.
        """
        with answers(f"look up image {reference}"):
            try:
                image = self.engine_of(beside).images.get(reference)
            except ImageNotFound:
                return None
        pairs = (item.partition("=") for item in image.attrs["Config"].get("Env") or [])
        facts = ImageFacts(
            reference=reference,
            id=str(image.id),
            digests=tuple(image.attrs.get("RepoDigests") or ()),
        )
        return ImageDescription(facts, {name: value for name, _, value in pairs})


def tail(text: str, lines: int = TAIL_LINES) -> str:
    """The last lines of a text, for an error that quotes them."""
    return presentable("\n".join(text.strip().splitlines()[-lines:]))


def _require_success(container: str, argv: tuple[str, ...], code: int, said: str) -> None:
    if code != 0:
        raise ReplayError(
            f"{argv[0]} exited with {code} in container {container[:12]}:\n"
            + (presentable(said) or "(it wrote nothing to stderr)")
        )
