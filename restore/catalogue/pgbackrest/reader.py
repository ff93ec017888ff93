"""A repository of pgBackRest as a layout: what can be brought back, and bringing it back.

    <repository>/backup/<stanza>/<label>/     base backups: full, differential, incremental
    <repository>/archive/<stanza>/...         the log of all transactions since

A state is restored and recovered in a throw-away server and dumped there by the server's own
tools. All that is told of the databases is read from them; the ERP, and the documents unless a
mapping names them, stay unknown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Final

from restore.adapters.docker.runner import Runner
from restore.adapters.tool_output import presentable
from restore.catalogue import foreign
from restore.catalogue.folder import mapped_configuration, mapped_documents
from restore.catalogue.mapping import Mapping, load_mapping
from restore.catalogue.pgbackrest import tool
from restore.catalogue.pgbackrest.dumping import Dumped, dump_all, recover
from restore.catalogue.pgbackrest.server import ThrowAway, throw_away
from restore.catalogue.pgbackrest.tool import Backup, Goal, Point, Stanza
from restore.errors import NotFoundError, RefusedError, UsageError
from restore.model import Fingerprint, Role, ServerFacts
from restore.model.versions import parse_version
from restore.profile import Profile
from restore.repository.base import generation_id

LAYOUT: Final = "pgbackrest"
IMAGE: Final = "pra/pgbackrest"
"""Repository of the images that set-up makes; the tag is that of the profile's PostgreSQL."""


@dataclass(frozen=True, slots=True)
class _Place:
    """A repository, and the stanza that the user named by its folder ("" when none)."""

    repository: Path
    stanza: str
    mapping: Mapping | None


class PgBackRest:
    """The states that a repository can bring back; see ``foreign.Layout``.

    Each backup is one, at its end, and so is the end of the archive, the latest of all. With a
    moment there is that one only.
    """

    def __init__(self, path: Path, profile: Profile, options: foreign.LayoutOptions) -> None:
        self._profile = profile
        self._options = options
        self._place = _place(path, profile)
        tag = profile.database.image.rpartition(":")[2]
        self._image = options.image or f"{IMAGE}:{tag}"
        if options.at is not None and options.at > datetime.now(UTC):
            raise UsageError(
                f"{tool.utc_text(options.at)} lies in the future", "a date without zone is in UTC"
            )

    @property
    def location(self) -> str:
        """The repository, with its layout, stanza and moment."""
        place, at = self._place, self._options.at
        path = place.repository / "backup" / place.stanza if place.stanza else place.repository
        return f"{LAYOUT}:{path}" + (f" at {tool.utc_text(at)}" if at else "")

    def ids(self) -> tuple[str, ...]:
        """The states that are there, oldest first."""
        return tuple(self._points)

    def describe(self, generation_id: str) -> str:
        """One state in a line."""
        point = self._points[generation_id]
        backup = f"{point.backup.kind} backup {point.backup.label}"
        if point.goal is Goal.BACKUP:
            return f"{backup}, PostgreSQL {point.backup.version}"
        if point.goal is Goal.MOMENT:
            return f"{tool.utc_text(point.moment)}, from {backup}"
        first = tool.utc_text(self._stanza.backups[0].ended)
        return (
            f"end of the archive, WAL {point.backup.newest_wal}, from {backup}; "
            f"--at brings back any moment from {first} on"
        )

    def read(self, generation_id: str) -> foreign.ForeignGeneration:
        """Restore and recover a state, and dump it; see ``foreign.Layout.read``."""
        point = self._points.get(generation_id)
        if point is None:
            raise NotFoundError(f"{self.location} holds no {generation_id}")
        with ExitStack() as stack:
            server = stack.enter_context(self._server())
            self._require_version(server, point.backup)
            moment = recover(server, self._stanza.name, point)
            found = self._described(generation_id, point, moment, dump_all(server, self._profile))
            return replace(found, release=stack.pop_all().close)

    @cached_property
    def _stanza(self) -> Stanza:
        with self._server() as server:
            done = server.execute(tool.info(self._place.stanza))
        if done.exit_code != 0:
            raise NotFoundError(
                f"pgbackrest info of {self.location} failed: "
                + presentable(done.stderr or done.stdout),
                tool.UNUSABLE,
            )
        stanzas = tool.parse_info(done.stdout, self.location)
        return tool.choose_stanza(stanzas, str(self._place.repository))

    @cached_property
    def _points(self) -> dict[str, Point]:
        at, stanza = self._options.at, self._stanza
        if at is not None:
            backup = tool.backup_before(stanza, at)
            points = [Point(backup, Goal.MOMENT, at)]
        else:
            points = [Point(item, Goal.BACKUP, item.ended) for item in stanza.backups]
            last = stanza.backups[-1]
            if last.newest_wal > last.wal_stop:
                points.append(Point(last, Goal.ARCHIVE, self._archived(last)))
        return {self._id(point): point for point in points}

    def _id(self, point: Point) -> str:
        backup, newest = point.backup, ""
        if point.goal is Goal.ARCHIVE:
            newest = backup.newest_wal
        words = (backup.system, backup.label, point.goal, point.moment, newest)
        return generation_id(point.moment, foreign.token(LAYOUT, *words, self._place.mapping or ""))

    def _archived(self, backup: Backup) -> datetime:
        """When the newest segment came into the archive, as its file tells."""
        folder = self._place.repository / "archive" / self._stanza.name / backup.archive
        name = backup.newest_wal
        times = [path.lstat().st_mtime for path in (folder / name[:16]).glob(f"{name}-*")]
        return max(foreign.utc(max(times)), backup.ended) if times else backup.ended

    def _server(self) -> AbstractContextManager[ThrowAway]:
        place, passphrase = self._place.repository, self._options.passphrase
        return throw_away(Runner.connect(), self._image, place, passphrase)

    def _require_version(self, server: ThrowAway, backup: Backup) -> None:
        said = server.check(("postgres", "--version"))
        found = re.search(r"\d+(?:\.\d+)*", said)
        if found is None or not f"{found[0]}.".startswith(f"{backup.version}."):
            raise RefusedError(
                f"backup {backup.label} is of PostgreSQL {backup.version}, image {self._image} "
                f"holds {found[0] if found else said}",
                f"name an image with PostgreSQL {backup.version}: --pgbackrest-image IMAGE",
            )

    def _described(
        self, id_: str, point: Point, moment: datetime, dumped: Dumped
    ) -> foreign.ForeignGeneration:
        backup, mapping = point.backup, self._place.mapping
        path = self._place.repository / "backup" / self._stanza.name / backup.label
        artifacts = (*dumped.artifacts(str(path), moment), *_mapped(mapping, dumped))
        series = mapping.series if mapping else ""
        # The dump's own server is not production's: of that, only the major is known.
        major = f"{backup.version}.0"
        return foreign.foreign_generation(
            id_=id_,
            profile=self._profile.name,
            layout=LAYOUT,
            path=path,
            moment=moment,
            finished=max(moment, backup.ended),
            fingerprint=Fingerprint(
                postgresql=ServerFacts(backup.version, parse_version(major)[1], None, None),
                erp=ServerFacts(mapping.version if mapping else "", 0, None, None),
                erp_series=series,
                databases=dumped.facts,
            ),
            roles=(),
            artifacts=artifacts,
            exact=True,
        )


def _place(path: Path, profile: Profile) -> _Place:
    """What a path means: a repository, the folder of a stanza's backups, or a mapping.

    Raises:
        NotFoundError: it is none of these.
        UsageError: the mapping names no repository.
    """
    if path.is_file():
        mapping = load_mapping(path, profile)
        if mapping.pgbackrest is None:
            raise UsageError(
                f"mapping {path} names no repository of pgBackRest",
                "pgbackrest: FOLDER; a folder of dumps has layout folder",
            )
        return replace(_place(mapping.pgbackrest, profile), mapping=mapping)
    path = path.resolve()
    if (path / "backup").is_dir():
        return _Place(path, "", None)
    if path.parent.name == "backup" and path.is_dir():
        return _Place(path.parent.parent, path.name, None)
    raise NotFoundError(
        f"{path} is no repository of pgBackRest: it holds no folder backup",
        "give its repo1-path, the folder backup/STANZA in it, or a mapping",
    )


def _mapped(mapping: Mapping | None, dumped: Dumped) -> Iterator[foreign.ForeignArtifact]:
    """What the mapping adds, and the configuration that lay with the data unless it tells it."""
    names = [facts.name for facts in dumped.facts]
    documents = mapping.documents if mapping else ()
    for number, item in enumerate(documents):
        if item.database not in names:
            raise UsageError(
                f"documents[{number}].database: the backup has no database {item.database!r}",
                f"it has {', '.join(names)}",
            )
        yield mapped_documents(item)
    given = tuple(mapped_configuration(mapping)) if mapping else ()
    yield from given
    if dumped.configuration and f"configuration-{Role.DATABASE}" not in {
        i.spec.name for i in given
    }:
        yield dumped.configuration_artifact()
