"""Recovering a physical backup in its throw-away server, and dumping what came back."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import IO, Final

from restore.adapters.postgres import commands
from restore.adapters.postgres.facts import read_database_facts
from restore.adapters.postgres.sql import connect, rows
from restore.catalogue.folder import ROLES_FILE
from restore.catalogue.foreign import ForeignArtifact, ForeignFile
from restore.catalogue.pgbackrest import recovery, tool
from restore.catalogue.pgbackrest.server import ThrowAway
from restore.catalogue.pgbackrest.tool import DATA, RUN, SCRATCH, Point
from restore.errors import DamagedGenerationError, NotFoundError, ReplayError, RestoreError
from restore.model import DatabaseFacts, DatabaseServer, Role
from restore.model.secret import Secret
from restore.plan.blueprint import HBA
from restore.profile import Profile
from restore.repository.base import configuration_spec, database_spec, roles_spec
from restore.repository.transfer import whole_archive

_JOBS: Final = os.cpu_count() or 2
_DUMPS: Final = f"{SCRATCH}/dumps"
_PORT: Final = 5432
_CONFIGURATION: Final = {"{config_file}": "postgresql.conf", "{hba_file}": "pg_hba.conf"}
"""Where the profile says a file is, and its name where it lies with the data."""


@dataclass(frozen=True, slots=True)
class Dumped:
    """What a recovered cluster held. The dumps lie in the server as long as it stands."""

    server: ThrowAway
    facts: tuple[DatabaseFacts, ...]
    sizes: tuple[int, ...]
    roles: bytes
    configuration: tuple[tuple[str, bytes], ...]

    def artifacts(self, path: str, moment: datetime) -> Iterator[ForeignArtifact]:
        """The databases and the roles; ``path`` and ``moment`` tell where they are from."""
        where = f"{path}, recovered to {tool.utc_text(moment)}"
        for number, (facts, size) in enumerate(zip(self.facts, self.sizes, strict=True)):
            files = partial(_tree, self.server, f"{_DUMPS}/{number}")
            yield ForeignArtifact(database_spec(facts.name, where), files, size)
        texts = partial(_texts, ((ROLES_FILE, self.roles),))
        yield ForeignArtifact(roles_spec(where), texts, len(self.roles))

    def configuration_artifact(self) -> ForeignArtifact:
        """The configuration files of the database server that lay with its data."""
        return ForeignArtifact(
            configuration_spec(Role.DATABASE, "the folder of the data"),
            partial(_texts, self.configuration),
            sum(len(content) for _, content in self.configuration),
        )


def recover(server: ThrowAway, stanza: str, point: Point) -> datetime:
    """Restore a backup and replay the log up to a point; the moment that was brought back.

    Raises:
        NotFoundError: the archive ends before the moment that was asked for.
        DamagedGenerationError: a file of the backup or a segment of the log is missing or bad.
    """
    try:
        server.check(tool.restore(stanza, point, _JOBS))
    except ReplayError as error:
        raise DamagedGenerationError(
            f"backup {point.backup.label} can't be restored: {error.message}",
            "'pgbackrest verify' tells more; choose another backup",
        ) from error
    control = recovery.parse_control(server.check(("pg_controldata", DATA)))
    server.write(RUN, {"postgresql.conf": b"", "pg_hba.conf": HBA.encode(), "pg_ident.conf": b""})
    server.check(recovery.start(control))
    answers = server.wait_until_recovered()
    log = (server.read(recovery.LOG) or b"").decode(errors="replace")
    if not answers:
        raise recovery.failure(log, control, point)
    if point.goal is tool.Goal.ARCHIVE:
        recovery.require_all_replayed(log, control, point)
    return recovery.consistency_point(log, point)


def dump_all(server: ThrowAway, profile: Profile) -> Dumped:
    """Dump every database of the ERP, and read what came back with it.

    Raises:
        NotFoundError: the cluster holds no database of the ERP.
        ReplayError: one can't be dumped.
    """
    superuser = profile.database.superuser
    # Before the superuser gets a password of the import: nothing else of production changes.
    roles = server.check(commands.dump_roles(superuser)) + "\n"
    login = _login(server, superuser)
    with connect(login, "postgres") as connection:
        names = [str(row[0]) for row in rows(connection, profile.database.databases)]
    if not names:
        raise NotFoundError(
            "the cluster that was brought back has no database of an ERP",
            "is it the right stanza, and the right profile?",
        )
    server.check(("mkdir", _DUMPS))
    found = [_dump(server, login, name, number, profile) for number, name in enumerate(names)]
    return Dumped(
        server=server,
        facts=tuple(facts for facts, _ in found),
        sizes=tuple(size for _, size in found),
        roles=roles.encode(errors="surrogateescape"),
        configuration=tuple(_configuration(server, profile)),
    )


def _login(server: ThrowAway, superuser: str) -> DatabaseServer:
    """Give the superuser a password of the import, by a file, and describe the server."""
    password = secrets.token_urlsafe(24)
    statement = (
        f"ALTER ROLE {commands.identifier(superuser)} PASSWORD {commands.literal(password)} "
        "VALID UNTIL 'infinity';"
    )
    server.write(RUN, {"login.sql": statement.encode()})
    server.check(commands.run_file(superuser, "postgres", f"{RUN}/login.sql"))
    return DatabaseServer(
        container=server.container,
        address=server.address,
        port=_PORT,
        superuser=superuser,
        password=Secret(password),
        erp_role="",
        erp_password=Secret(""),
        repository="",
    )


def _dump(
    server: ThrowAway, login: DatabaseServer, name: str, number: int, profile: Profile
) -> tuple[DatabaseFacts, int]:
    folder = f"{_DUMPS}/{number}"
    # Nobody else writes there: facts and dump are of one state without a common snapshot.
    with connect(login, name) as connection:
        facts = read_database_facts(connection, profile)
    server.check(commands.dump_database(commands.DumpRequest(name, folder, login.superuser, _JOBS)))
    server.check(commands.list_dump(folder))
    size = int(server.check(("du", "-sk", folder)).partition("\t")[0]) * 1024
    # What sorts here is the throw-away server's library, not production's.
    return replace(facts, collation_version=None), size


def _configuration(server: ThrowAway, profile: Profile) -> Iterator[tuple[str, bytes]]:
    for file in profile.configuration_of(Role.DATABASE):
        name = _CONFIGURATION.get(file.path)
        if name and (content := server.read(f"{DATA}/{name}")) is not None:
            yield file.name, content


def _tree(server: ThrowAway, folder: str) -> Generator[ForeignFile, None, None]:
    """The files of a folder of the server.

    Raises:
        RestoreError: not all of them could be read.
    """
    wanted = len(server.check(("find", folder, "-type", "f")).splitlines())
    with whole_archive():
        for member, content in server.runner.read_archive(server.container, folder):
            if member.isreg():
                wanted -= 1
                path = member.name.partition("/")[2]
                yield ForeignFile(path, partial(_as_it_is, content))
    if wanted:
        raise RestoreError(f"{wanted} files of {folder} were not read", "import again")


def _as_it_is(content: IO[bytes]) -> AbstractContextManager[IO[bytes]]:
    return nullcontext(content)


def _texts(files: tuple[tuple[str, bytes], ...]) -> Generator[ForeignFile, None, None]:
    for name, content in files:
        yield ForeignFile(name, partial(io.BytesIO, content))
