"""Helpers: short-lived containers that work on the volumes of another one.

They are used where the other container is stopped, or should not do the work itself. Each carries
our label, so that those which a killed run left are found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from docker.errors import DockerException
from docker.models.containers import Container
from docker.types import LogConfig, Mount

from restore.adapters import logs
from restore.adapters.docker import rights
from restore.adapters.docker.engine import answers
from restore.adapters.docker.runner import LABEL, ROLE, TAIL_LINES, Runner, tail
from restore.adapters.streams import LineSplitter
from restore.errors import ReplayError

HELPER: Final = "helper"
"""Role that helpers carry as a label."""

_LONGEST_WORK: Final = "86400"
"""Seconds after which a helper that waits ends by itself."""

_WHOLE_LOG: Final = LogConfig(
    type=LogConfig.types.JSON,
    config={"mode": "blocking", "max-size": "1000g", "max-file": "1", "compress": "false"},
)
"""A log that holds all that was written; the engine's default may drop or rotate lines."""


@dataclass(frozen=True, slots=True)
class HelperOptions:
    """What a helper gets besides the image and the volumes of the container that it helps.

    ``network`` is the name of one network that it is on, if need be; ``archives`` are tar archives
    that are unpacked in it, each with its folder; ``kept`` are the rights that it keeps.
    """

    user: str = "root"
    network: str = "none"
    mounts: tuple[Mount, ...] = ()
    archives: tuple[tuple[str, bytes], ...] = ()
    environment: tuple[str, ...] = ()
    kept: tuple[str, ...] = rights.TREE


_PLAIN: Final = HelperOptions()


@contextmanager
def helper(
    runner: Runner, like: str, argv: tuple[str, ...], given: HelperOptions = _PLAIN
) -> Iterator[Container]:
    """Create a container with the image and volumes of ``like``, without starting it.

    It stands on the same engine, and is removed when the body ends.

    Raises:
        NotFoundError: there is no container ``like``.
        docker.errors.APIError: the engine refuses.
    """
    model = runner.container(like)
    made = runner.engine_of(like).containers.create(
        str(model.attrs["Image"]),
        command=list(argv[1:]),
        entrypoint=argv[0],
        user=given.user,
        mounts=list(given.mounts),
        volumes_from=[str(model.id)],
        network_mode=given.network,
        environment=list(given.environment),
        security_opt=list(rights.SECURITY),
        cap_drop=list(rights.DROPPED),
        cap_add=list(given.kept),
        pids_limit=rights.MOST_PROCESSES,
        labels={LABEL: model.labels.get(LABEL, ""), ROLE: HELPER},
        log_config=_WHOLE_LOG,
    )
    try:
        with logs.timed("helper container", container=str(made.id)[:12], like=like[:12], argv=argv):
            for folder, archive in given.archives:
                made.put_archive(folder, archive)
            yield made
    finally:
        # One that stays harms nobody: the next replay, and 'pra gc', find it by its label.
        with suppress(DockerException):
            made.remove(force=True)


@dataclass(frozen=True, slots=True)
class Helper:
    """A helper container that runs and waits for commands."""

    _runner: Runner
    _container: str

    def run(self, *argv: str, user: str = "root") -> str:
        """Run a command that must succeed in the helper, and return its output.

        Raises:
            ReplayError: it failed; the error quotes its last lines.
        """
        # What tools say is read: in English.
        return self._runner.check(self._container, argv, user=user, environment={"LC_ALL": "C"})

    def lines(self, *argv: str) -> Iterator[str]:
        """Run a command that must succeed; yield its output by lines, in constant memory."""
        return self._runner.lines(self._container, argv)

    def write(self, folder: str, archive: bytes) -> None:
        """Unpack a tar archive into a folder."""
        self._runner.write_archive(self._container, folder, iter((archive,)))


@contextmanager
def beside(runner: Runner, like: str, given: HelperOptions = _PLAIN) -> Iterator[Helper]:
    """Start a helper of ``like`` that waits for commands; it is removed when the body ends."""
    with ExitStack() as stack:
        with answers(f"work beside container {like[:12]}"):
            made = stack.enter_context(helper(runner, like, ("sleep", _LONGEST_WORK), given))
            made.start()
        yield Helper(Runner(runner.engine_of(like)), str(made.id))


def run_once(
    runner: Runner, like: str, argv: tuple[str, ...], given: HelperOptions = _PLAIN
) -> str:
    """Run a command in a helper of ``like`` and return its output; raises as ``lines_once``."""
    return "\n".join(lines_once(runner, like, argv, given))


def lines_once(
    runner: Runner, like: str, argv: tuple[str, ...], given: HelperOptions = _PLAIN
) -> Iterator[str]:
    """Run a command in a helper of ``like``; yield its output by lines, in constant memory.

    Raises:
        ReplayError: the command failed; the error quotes its last lines.
    """
    with (
        answers(f"run {argv[0]} beside container {like[:12]}"),
        helper(runner, like, argv, given) as made,
    ):
        made.start()
        code = made.wait()["StatusCode"]
        if code != 0:
            words = made.logs(tail=TAIL_LINES).decode(errors="replace")
            raise ReplayError(f"{argv[0]} exited with {code}:\n{tail(words)}")
        lines = LineSplitter()
        # It has ended: the engine cuts the log of such a one when it is asked to follow.
        for piece in made.logs(stream=True, follow=False):
            yield from lines.feed(piece)
        yield from lines.rest()


def remove_helpers(runner: Runner, like: str) -> None:
    """Remove the helpers of a container that a killed run left, alive or not.

    They would hold its volumes for ever. The caller is alone at work on its stack.
    """
    model = runner.container(like)
    labels = [f"{LABEL}={model.labels.get(LABEL, '')}", f"{ROLE}={HELPER}"]
    with answers(f"remove what was left beside container {like[:12]}"):
        for left in runner.engine_of(like).containers.list(
            all=True, filters={"label": labels}, ignore_removed=True
        ):
            if str(model.id) in (left.attrs["HostConfig"].get("VolumesFrom") or ()):
                with suppress(DockerException):
                    left.remove(force=True)
