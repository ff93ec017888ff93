"""The only caller of ``docker exec``, of one-shot containers and of subprocesses.

Commands are argv tuples, never shell strings; secrets travel by environment. The tail of stderr
goes into the error.
"""

from __future__ import annotations

import subprocess
import tarfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import IO, Any, Final, cast

import docker
from docker.errors import ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import LogConfig, Mount
from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from restore import rights
from restore.docker_engine import answers, connected
from restore.errors import EnvironmentFailure, NotFoundError, ReplayError
from restore.model import ImageFacts
from restore.secret import Secret
from restore.streams import CHUNK, EMPTY, ChunkReader, LineSplitter

LABEL: Final = "pra.stack"
"""Label that every container, network and volume of ours carries; its value is the stack."""

ROLE: Final = "pra.role"
HELPER: Final = f"{ROLE}=helper"
"""The label of containers that work for a moment on another's volumes."""

TAIL_LINES: Final = 20
PROBE_INTERVAL: Final = 0.25

_KILLED: Final = 137
"""Exit code of a container that was ended by SIGKILL."""

_WHOLE_LOG: Final = LogConfig(
    type=LogConfig.types.JSON,
    config={"mode": "blocking", "max-size": "1000g", "max-file": "1", "compress": "false"},
)
"""A log that holds all that was written; the engine's default may drop or rotate lines."""

_NO_ENVIRONMENT: Final[Mapping[str, str | Secret]] = {}


@dataclass(frozen=True, slots=True)
class Execution:
    """How a command ended. ``stderr`` is its tail."""

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
    """Commands, files and states of containers: on one Docker engine, but for those named.

    ``others`` says which containers, by id, stand on which other engines.
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
        return cls(connected(host, timeout))

    @property
    def client(self) -> docker.DockerClient:
        """The SDK's client, for reading states that this class doesn't wrap."""
        return self._client

    def reaching(self, others: Mapping[str, Runner]) -> Runner:
        """This runner, for containers on other engines too: their ids, with those engines' own."""
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
        stderr: deque[str] = deque(maxlen=TAIL_LINES)
        output = self._lines(container, argv, user, environment, stderr.append)
        while True:
            try:
                stdout.append(next(output))
            except StopIteration as stop:
                return Execution(argv, int(stop.value), "\n".join(stdout), "\n".join(stderr))

    def check(
        self,
        container: str,
        argv: tuple[str, ...],
        *,
        user: str = "",
        environment: Mapping[str, str | Secret] = _NO_ENVIRONMENT,
        on_error_line: Callable[[str], None] | None = None,
    ) -> str:
        """Run a command that must succeed and return its output.

        Args:
            on_error_line: called with each line of stderr, for tools that report progress there.

        Raises:
            ReplayError: it exited otherwise than 0; holds the tail of stderr.
        """
        return "\n".join(
            self.lines(
                container, argv, user=user, environment=environment, on_error_line=on_error_line
            )
        )

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

        Raises:
            ReplayError: it exited otherwise than 0; raised after the last line.
        """
        stderr: deque[str] = deque(maxlen=TAIL_LINES)

        def keep(line: str) -> None:
            stderr.append(line)
            if on_error_line is not None:
                on_error_line(line)

        code = yield from self._lines(container, argv, user, environment, keep)
        if code != 0:
            raise ReplayError(
                f"{argv[0]} exited with {code} in container {container[:12]}:\n"
                + "\n".join(stderr or ["(it wrote nothing to stderr)"])
            )

    def _lines(
        self,
        container: str,
        argv: tuple[str, ...],
        user: str,
        environment: Mapping[str, str | Secret],
        on_error_line: Callable[[str], None],
    ) -> Generator[str, None, int]:
        """Yield lines of stdout; return the exit code."""
        api = self.engine_of(container).api
        plain = {
            key: value.reveal() if isinstance(value, Secret) else value
            for key, value in environment.items()
        }
        with answers(f"run {argv[0]} in container {container[:12]}"):
            exec_id = api.exec_create(container, list(argv), user=user, environment=plain)["Id"]
            out, err = LineSplitter(), LineSplitter()
            frames = api.exec_start(exec_id, stream=True, demux=True)
            # The stream's own close() leaves the connection open: close the answer itself.
            with closing(cast(Any, frames)._response):
                for stdout, stderr in frames:
                    for line in err.feed(stderr):
                        on_error_line(line)
                    yield from out.feed(stdout)
            for line in err.rest():
                on_error_line(line)
            yield from out.rest()
            return cast(int, api.exec_inspect(exec_id)["ExitCode"])

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
                        yield member, content if content is not None else EMPTY
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
        with answers(f"write into {path} of container {container[:12]}"):
            try:
                self.engine_of(container).api.put_archive(container, path, iter(chunks))
            except NotFound as error:
                raise NotFoundError(f"container {container[:12]} has no folder {path}") from error

    def run_once(
        self,
        like: str,
        argv: tuple[str, ...],
        *,
        user: str = "root",
        network: str = "none",
        archives: Iterable[tuple[str, bytes]] = (),
    ) -> str:
        """Run a command beside a container, as ``lines_once`` does, and return its output."""
        lines = self.lines_once(like, argv, user=user, network=network, archives=archives)
        return "\n".join(lines)

    def lines_once(
        self,
        like: str,
        argv: tuple[str, ...],
        *,
        user: str = "root",
        network: str = "none",
        archives: Iterable[tuple[str, bytes]] = (),
    ) -> Iterator[str]:
        """Run a command in a new container with another's image and volumes.

        For acts on the volumes of a server that is stopped. Its output comes line by line, in
        constant memory. The container carries our label and is removed whatever happens.

        Args:
            network: the name of one network that it is on, if need be.
            archives: tar archives that are unpacked in it first, each with its folder.

        Raises:
            ReplayError: the command failed; holds its last words.
        """
        with answers(f"run {argv[0]} beside container {like[:12]}"):
            helper = self.create_helper(like, argv, user=user, network=network)
            try:
                for folder, archive in archives:
                    helper.put_archive(folder, archive)
                helper.start()
                code = helper.wait()["StatusCode"]
                if code != 0:
                    words = helper.logs(tail=TAIL_LINES).decode(errors="replace")
                    raise ReplayError(f"{argv[0]} exited with {code}:\n{_tail(words)}")
                lines = LineSplitter()
                # It has ended: the engine cuts the log of such a one when it is asked to follow.
                for piece in helper.logs(stream=True, follow=False):
                    yield from lines.feed(piece)
                yield from lines.rest()
            finally:
                with suppress(NotFound):
                    helper.remove(force=True)

    def create_helper(
        self,
        like: str,
        argv: tuple[str, ...],
        *,
        user: str = "root",
        mounts: tuple[Mount, ...] = (),
        network: str = "none",
    ) -> Container:
        """Make a container with another's image and volumes, on its engine and without network.

        It is not started yet, carries our label, and is removed by who asked for it.

        Args:
            mounts: what it has besides those volumes.
            network: the name of one network that it is on, if need be.

        Raises:
            NotFoundError: there is no container ``like``.
            docker.errors.APIError: the engine refuses.
        """
        model = self.container(like)
        return self.engine_of(like).containers.create(
            str(model.attrs["Image"]),
            command=list(argv[1:]),
            entrypoint=argv[0],
            user=user,
            mounts=list(mounts),
            volumes_from=[str(model.id)],
            network_mode=network,
            security_opt=list(rights.SECURITY),
            cap_drop=list(rights.DROPPED),
            cap_add=list(rights.TREE),
            pids_limit=rights.MOST_PROCESSES,
            labels={LABEL: model.labels.get(LABEL, ""), ROLE: HELPER.partition("=")[2]},
            log_config=_WHOLE_LOG,
        )

    def remove_helpers(self, like: str) -> None:
        """Remove the helpers of a container that a killed run left, alive or not.

        They would hold its volumes for ever. The caller is alone at work on its stack.
        """
        model = self.container(like)
        labels = [f"{LABEL}={model.labels.get(LABEL, '')}", HELPER]
        with answers(f"remove what was left beside container {like[:12]}"):
            for helper in self.engine_of(like).containers.list(
                all=True, filters={"label": labels}, ignore_removed=True
            ):
                if str(model.id) in (helper.attrs["HostConfig"].get("VolumesFrom") or ()):
                    with suppress(NotFound):
                        helper.remove(force=True)

    def start(self, container: str) -> None:
        """Start a container; nothing happens when it runs."""
        found = self.container(container)
        with answers(f"start container {container[:12]}"):
            found.start()

    def stop(self, container: str, grace: int = 20) -> None:
        """Stop a container, killing it after ``grace`` seconds; nothing happens when it stands."""
        found = self.container(container)
        with answers(f"stop container {container[:12]}"):
            found.stop(timeout=grace)

    def wait_healthy(self, container: str, deadline: float) -> None:
        """Wait until a container's own health check passes.

        Args:
            deadline: in seconds.

        Raises:
            EnvironmentFailure: it stopped or was not healthy in time; holds its last words.
        """
        wait = Retrying(
            retry=retry_if_result(lambda state: state not in ("healthy", "exited")),
            stop=stop_after_delay(deadline),
            wait=wait_fixed(PROBE_INTERVAL),
        )
        try:
            state = wait(self._health, container)
        except RetryError as error:
            raise EnvironmentFailure(
                f"container {container[:12]} was not healthy within {deadline:.0f} s: "
                + self._last_words(container)
            ) from error
        if state == "exited":
            end, words = self.end_of(container), self._last_words(container)
            raise EnvironmentFailure(f"container {container[:12]} {end}: {words}")

    def health(self, container: str) -> str:
        """A container by its own probe: ``healthy``, ``starting``, ``unhealthy``, ``exited``.

        ``none`` when it has no probe.
        """
        return self._health(container)

    def _health(self, container: str) -> str:
        state = self.container(container).attrs["State"]
        if state["Status"] in ("exited", "dead"):
            return "exited"
        return str(state.get("Health", {}).get("Status", "none"))

    def end_of(self, container: str) -> str:
        """How a container ended, in words that follow its name."""
        attrs = self.container(container).attrs
        state, limit = attrs["State"], int(attrs["HostConfig"].get("Memory") or 0) >> 20
        told = f" (its limit is {limit} MiB)" if limit else ""
        if state.get("OOMKilled"):
            return f"was killed, out of memory{told}"
        # The engine misses some of the kernel's notices that memory ran out.
        if state.get("ExitCode") == _KILLED:
            return f"was killed, perhaps out of memory{told}" if limit else "was killed"
        return "stopped"

    def _last_words(self, container: str) -> str:
        found = self.container(container)
        probes = found.attrs["State"].get("Health", {}).get("Log") or [{}]
        probe = str(probes[-1].get("Output", "")).strip() or "no probe output"
        with answers(f"read the log of container {container[:12]}"):
            log = found.logs(tail=TAIL_LINES).decode(errors="replace")
        return f"{_tail(probe)}\nlast lines of its log:\n{_tail(log)}"

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


def run_process(
    argv: tuple[str, ...], *, environment: Mapping[str, str] | None = None, timeout: float = 600
) -> Execution:
    """Run a command of this machine and wait for its end, whatever its exit code.

    Args:
        environment: the whole environment; the caller's own when None.
        timeout: in seconds.

    Raises:
        EnvironmentFailure: it could not be started or took too long.
    """
    try:
        done = subprocess.run(
            argv, env=environment, capture_output=True, text=True, timeout=timeout, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFailure(f"{argv[0]} could not be run: {error}") from error
    return Execution(argv, done.returncode, done.stdout, _tail(done.stderr))


def _tail(text: str) -> str:
    return "\n".join(text.strip().splitlines()[-TAIL_LINES:])
