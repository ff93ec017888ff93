"""The throw-away server of an import: one container, network and volume, gone whatever happens.

It carries our label and holds a lock, so that ``pra gc`` removes what a killed import left.
"""

from __future__ import annotations

import io
import secrets
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from tenacity import RetryError, Retrying, retry_if_result, stop_after_delay, wait_fixed

from restore.adapters import lock
from restore.adapters.docker import rights
from restore.adapters.docker.engine import APIError, Mount
from restore.adapters.docker.leftovers import find_leftovers, remove
from restore.adapters.docker.runner import LABEL, Execution, Runner
from restore.catalogue.pgbackrest import recovery
from restore.catalogue.pgbackrest.tool import CIPHER, DATA, PASSPHRASE, REPOSITORY, RUN, SCRATCH
from restore.errors import EnvironmentFailure, NotFoundError
from restore.model import locations
from restore.model.secret import Secret
from restore.model.stack_names import IMPORT

RECOVERY_DEADLINE: Final = 6 * 3600.0
"""Seconds that a recovery may take; what was archived since the backup is replayed one by one."""

_INTERVAL: Final = 0.25
"""Seconds between two looks at its state."""
_USER: Final = "postgres"
# PostgreSQL refuses root, and a repository may be readable by its owner alone, whose number the
# image doesn't know. So it runs as its own user, with root's right to read; nothing else of root.
_AS_POSTGRES: Final = (
    "setpriv",
    f"--reuid={_USER}",
    f"--regid={_USER}",
    "--init-groups",
    "--inh-caps=+dac_override",
    "--ambient-caps=+dac_override",
    "--",
)


@dataclass(frozen=True, slots=True)
class ThrowAway:
    """A container with PostgreSQL and pgBackRest that sleeps until it is told what to do."""

    runner: Runner
    container: str
    address: str
    passphrase: Secret

    def execute(self, argv: tuple[str, ...]) -> Execution:
        """Run a command as the server's own user, whatever its exit code."""
        return self.runner.execute(
            self.container, (*_AS_POSTGRES, *argv), user="root", environment=self._environment()
        )

    def check(self, argv: tuple[str, ...]) -> str:
        """Run a command as the server's own user, which must succeed."""
        return self.runner.check(
            self.container, (*_AS_POSTGRES, *argv), user="root", environment=self._environment()
        )

    def write(self, folder: str, files: Mapping[str, bytes]) -> None:
        """Write files that only the server's own user may read."""
        number = int(self.runner.check(self.container, ("id", "-u", _USER)))
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            for name, content in files.items():
                member = tarfile.TarInfo(name)
                member.size, member.mode = len(content), 0o600
                member.uid = member.gid = number
                archive.addfile(member, io.BytesIO(content))
        self.runner.write_archive(self.container, folder, iter((buffer.getvalue(),)))

    def read(self, path: str) -> bytes | None:
        """A small file; None when there is none."""
        try:
            return self.runner.read_file(self.container, path)
        except NotFoundError:
            return None

    def wait_until_recovered(self, deadline: float = RECOVERY_DEADLINE) -> bool:
        """Wait for the end of recovery; whether the server then answers, or has ended.

        Raises:
            EnvironmentFailure: neither within ``deadline`` seconds.
        """
        wait = Retrying(
            retry=retry_if_result(lambda state: state is None),
            stop=stop_after_delay(deadline),
            wait=wait_fixed(_INTERVAL),
        )
        try:
            return bool(wait(self._recovered))
        except RetryError as error:
            log = (self.read(recovery.LOG) or b"").decode(errors="replace")
            raise EnvironmentFailure(
                f"recovery did not end within {deadline:.0f} s:\n"
                + "\n".join(log.strip().splitlines()[-5:]),
                "take a newer backup, after which less is replayed",
            ) from error

    def _recovered(self) -> bool | None:
        if self.execute(("pg_isready", "--quiet", "-h", "127.0.0.1")).exit_code == 0:
            return True
        return None if self.execute(("pg_ctl", "status", "-D", DATA)).exit_code == 0 else False

    def _environment(self) -> dict[str, str | Secret]:
        if not self.passphrase:
            return {}
        return {PASSPHRASE: self.passphrase, CIPHER[0]: CIPHER[1]}


@contextmanager
def throw_away(
    runner: Runner, image: str, repository: Path, passphrase: Secret
) -> Iterator[ThrowAway]:
    """A container that sees the repository read-only, on a network without a way out.

    Args:
        passphrase: that of an encrypted repository.

    Raises:
        NotFoundError: the image is not there.
        EnvironmentFailure: the engine can't make it.
    """
    if runner.image(image) is None:
        raise NotFoundError(
            f"image {image}, which brings a physical backup back, is not there",
            "it holds PostgreSQL of the backup's major and pgBackRest; 'make setup "
            "IMAGES=pgbackrest' builds pra/pgbackrest:13; name another with --pgbackrest-image",
        )
    now = datetime.now(UTC)
    stack = f"{IMPORT}{now:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    with lock.stack_lock(locations.LOCKS, stack, "pra import", now=now, kept=False):
        try:
            container, address = _make(runner, image, repository, stack)
            yield ThrowAway(runner, container, address, passphrase)
        finally:
            remove(runner, find_leftovers(runner, stack=stack))
            lock.release(locations.LOCKS, stack)


def _make(runner: Runner, image: str, repository: Path, stack: str) -> tuple[str, str]:
    """The id and the address of the container."""
    labels, client = {LABEL: stack}, runner.client
    try:
        client.networks.create(stack, internal=True, labels=labels)
        client.volumes.create(stack, labels=labels)
        container = client.containers.create(
            image,
            name=stack,
            entrypoint=["sleep"],
            command=["infinity"],
            user="root",
            init=True,
            labels=labels,
            network=stack,
            dns=["127.0.0.1"],
            security_opt=list(rights.SECURITY),
            cap_drop=list(rights.DROPPED),
            cap_add=list(rights.STEPPING_DOWN),
            pids_limit=rights.MOST_PROCESSES,
            mounts=[
                Mount(REPOSITORY, str(repository), type="bind", read_only=True),
                Mount(SCRATCH, stack, type="volume"),
            ],
        )
        container.start()
        container.reload()
    except APIError as error:
        raise EnvironmentFailure(
            f"the throw-away server can't be made: {error.explanation or error}"
        ) from error
    name = str(container.id)
    runner.check(
        name, ("install", "-d", "-o", _USER, "-g", _USER, "-m", "0700", SCRATCH, DATA, RUN)
    )
    address = container.attrs["NetworkSettings"]["Networks"][stack]["IPAddress"]
    return name, str(address)
