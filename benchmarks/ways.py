"""The ways to restore a sample that are held beside each other."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from benchmarks.sample import DATABASE, Sample
from benchmarks.target import BACKUPS, FILESTORE, REPOSITORY, WHEELS, Target
from restore.plan.bulk import bulk_changes
from restore.replay.steps.bulk import resources_of

OURS: Final = "ours, cold"
CACHED: Final = "ours, cached"
FLOOR: Final = "floor"


@dataclass(frozen=True, slots=True)
class Measure:
    """One restore: seconds, the engine's peak memory in bytes, and the seconds of its steps."""

    seconds: float
    memory: int | None = None
    steps: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Way:
    """How to restore, and the options of the server that it restores into."""

    name: str
    what: str
    restore: Callable[[Target, Sample, int], Measure]
    tuned: bool = False
    foreign: bool = False
    """Whether it restores one of the forms of others."""

    def options(self, target_memory: Any, sample: Sample, jobs: int) -> tuple[str, ...]:
        """The server's command line."""
        if not self.tuned:
            return ()
        changes = bulk_changes(target_memory, jobs, sample.database_size, restart=True)
        return tuple(part for one in changes for part in ("-c", f"{one.key}={one.after}"))


def ways(jobs: int) -> tuple[Way, ...]:
    """Every way, in the order of the page."""
    return (
        Way(
            FLOOR,
            f"`pg_restore -j{jobs}` into a server tuned from its start (nothing is brought to "
            "disk), `cp -r` of the documents beside it; no checksum, no statistics, no check",
            _floor,
            tuned=True,
        ),
        Way(
            OURS,
            "every checksum, roles, database in bulk mode, few statistics, row counts, documents "
            "counted, promotion, everything of PostgreSQL on disk; all statistics follow while the "
            "ERP starts",
            lambda target, sample, count: _ours(target, sample, count, "cold"),
        ),
        Way(
            CACHED,
            "a kept copy of the database server's data in place of the load; every checksum, row "
            "counts and documents as in a cold one",
            lambda target, sample, count: _ours(target, sample, count, "cached"),
        ),
        Way(
            f"pg_restore -j{jobs}",
            f"`pg_restore -j{jobs}`, then `cp -r` of the documents",
            _plain,
        ),
        Way(
            "pg_restore -j1",
            "`pg_restore`, then `cp -r` of the documents",
            lambda target, sample, _count: _plain(target, sample, 1),
        ),
        Way(
            "click-odoo-contrib",
            f"`click-odoo-restoredb --jobs={jobs}` of its own folder format",
            _click_odoo,
            foreign=True,
        ),
        Way(
            "Odoo's zip",
            "`odoo.service.db.restore_db` of Odoo's own zip",
            _odoo_zip,
            foreign=True,
        ),
    )


def _generation(sample: Sample) -> str:
    return f"{REPOSITORY}/generations/{sample.generation}"


def _load(target: Target, sample: Sample, jobs: int) -> None:
    target.in_database("createdb", "-U", "postgres", "-O", "odoo", "-T", "template0", DATABASE)
    dump = f"{_generation(sample)}/database/{DATABASE}"
    options = ("--exit-on-error", f"--jobs={jobs}", "-U", "postgres", "-d", DATABASE)
    target.in_database("pg_restore", *options, dump)


def _copy(target: Target, sample: Sample) -> None:
    source = f"{_generation(sample)}/documents/filestore/{DATABASE}"
    target.in_erp("cp", "-r", source, FILESTORE)
    target.in_erp("chown", "-R", "odoo:odoo", FILESTORE)


def _timed(act: Callable[[], object]) -> Measure:
    started = time.monotonic()
    act()
    return Measure(time.monotonic() - started)


def _plain(target: Target, sample: Sample, jobs: int) -> Measure:
    def both() -> None:
        _load(target, sample, jobs)
        _copy(target, sample)

    return _timed(both)


def _floor(target: Target, sample: Sample, jobs: int) -> Measure:
    def both() -> None:
        copying = threading.Thread(target=_copy, args=(target, sample))
        copying.start()
        _load(target, sample, jobs)
        copying.join()

    return _timed(both)


def _click_odoo(target: Target, _sample: Sample, jobs: int) -> Measure:
    script = "from click_odoo_contrib.restoredb import main; main()"
    options = ("-c", "/etc/odoo/odoo.conf", "--move", f"--jobs={jobs}", DATABASE)
    argv = ("python3", "-c", script, *options, f"{BACKUPS}/folder")
    # In the C locale, click refuses to begin.
    run = ("env", "LC_ALL=C.UTF-8", "LANG=C.UTF-8", *argv)
    return _timed(lambda: target.in_erp(*run, user="odoo", path=WHEELS))


def _odoo_zip(target: Target, _sample: Sample, _jobs: int) -> Measure:
    script = (
        "import odoo\n"
        "odoo.tools.config.parse_config(['-c', '/etc/odoo/odoo.conf'])\n"
        "with odoo.api.Environment.manage():\n"
        f"    odoo.service.db.restore_db('{DATABASE}', '{BACKUPS}/backup.zip', False)\n"
    )
    return _timed(lambda: target.in_erp("python3", "-c", script, user="odoo"))


def keep_cache(target: Target, sample: Sample, jobs: int) -> None:
    """Keep the copy that ``ours, cached`` places; timed by nobody."""
    _ours(target, sample, jobs, "keep")


def _ours(target: Target, sample: Sample, jobs: int, copies: str) -> Measure:
    """In a process of its own, whose memory is the engine's."""
    site = target.site
    document = {
        "root": str(sample.root),
        "generation": sample.generation,
        "stack": site.stack,
        "database": target.database,
        "erp": target.erp,
        "address": target.address,
        "jobs": jobs,
        "copies": copies,
    }
    environment = {
        **os.environ,
        "BENCH_SUPERUSER": site.passwords.superuser,
        "BENCH_ERP": site.passwords.erp,
    }
    argv = (sys.executable, "-m", "benchmarks.engine", json.dumps(document))
    with subprocess.Popen(argv, env=environment, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError("the engine failed; see above")
    found = json.loads(output)
    return Measure(found["seconds"], usage.ru_maxrss * 1024, found["steps"])


__all__ = ["CACHED", "FLOOR", "OURS", "Measure", "Way", "keep_cache", "resources_of", "ways"]
