"""Prepare samples, restore them in every way, write the page: ``make bench``.

python -m benchmarks [--scale GB:DOCUMENTS …] [--rounds N] [--way NAME …] [--work DIR]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import docker

from benchmarks.cli import BY_HAND, PAGE
from benchmarks.page import Machine, Scale, page, plot
from benchmarks.sample import Sample, prepare, sample_at
from benchmarks.target import target
from benchmarks.ways import Measure, Way, keep_cache, ways
from restore.adapters.docker.cache_volumes import find_caches, remove_cache
from restore.adapters.docker.runner import Runner
from restore.plan.request import Resources
from restore.replay.steps.bulk import resources_of

_ROOT: Final = Path(__file__).resolve().parent.parent
_WHEELS: Final = (
    "click-odoo-contrib==1.24",
    "click-odoo==1.8.0",
    "manifestoo-core==1.16.1",
    "click==8.1.8",
)
_OTHERS: Final = "\n## A drill's processor time\n"
"""Where the part of the page begins that is not ours."""

_NEEDED: Final = 8
"""Bytes of disk for each byte of the database: its forms, and the servers it is restored into."""


def main() -> int:
    """Run it; the exit code."""
    given = _arguments()
    client = docker.from_env(timeout=3600)
    wheels = _wheels(given.work)
    samples = [sample for scale in given.scale if (sample := _sample(client, given.work, scale))]
    if given.prepare_only:
        return 0
    resources, jobs = resources_of(Runner(client)), os.cpu_count() or 1
    if not given.page_only:
        for sample in samples:
            _measure(client, sample, wheels, given.way, (resources, jobs, given.rounds))
    scales = [scale for sample in samples if (scale := _scale(sample))]
    what = {way.name: way.what for way in ways(jobs)}
    _, heading, rest = PAGE.read_text("utf-8").partition(BY_HAND)
    text = page(scales, what, _machine(jobs, tuple(given.note)))
    PAGE.write_text(text + heading + rest, "utf-8")
    (_ROOT / "docs" / "images" / "benchmarks.svg").write_text(plot(scales), "utf-8")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--scale", action="append", help="e.g. 1:100000; may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", action="append", default=[], help="only this one; may be repeated")
    parser.add_argument("--work", type=Path, default=_ROOT / ".pra" / "bench")
    parser.add_argument("--prepare-only", action="store_true", help="measure nothing")
    parser.add_argument("--note", action="append", default=[], help="a line about the machine")
    parser.add_argument("--page-only", action="store_true", help="of what was measured before")
    given = parser.parse_args()
    given.scale = given.scale or ["0.2:10000", "1:100000", "5:1000000"]
    given.work = given.work.resolve()
    given.work.mkdir(parents=True, exist_ok=True)
    return given


def _sample(client: docker.DockerClient, work: Path, scale: str) -> Sample | None:
    """The sample of a scale, made where it isn't there; None where there is no room for it."""
    gigabytes, _, documents = scale.partition(":")
    root = work / f"{gigabytes}gb-{documents}"
    if found := sample_at(root):
        return found
    needed = float(gigabytes) * 1e9 * _NEEDED
    if shutil.disk_usage(work).free < needed:
        _tell(f"{scale} is left out: it needs {needed / 1e9:.0f} GB of disk")
        return None
    shutil.rmtree(root, ignore_errors=True)
    _tell(f"prepare {scale}")
    return prepare(client, root, float(gigabytes), int(documents))


def _measure(
    client: docker.DockerClient,
    sample: Sample,
    wheels: Path,
    only: Sequence[str],
    given: tuple[Resources, int, int],
) -> None:
    """Every way in every round, each time on a new target; kept as it comes."""
    resources, jobs, rounds = given
    every = tuple(way for way in ways(jobs) if not only or way.name in only)
    found: dict[str, list[Measure]] = {way.name: [] for way in every}
    with _copy_kept(client, sample, wheels, jobs):
        for number in range(rounds):
            turn = number % len(every)
            for way in (*every[turn:], *every[:turn]):
                measure = _restored(client, sample, wheels, (way, resources, jobs))
                found[way.name].append(measure)
                _tell(f"{sample.name}, round {number + 1}: {way.name}: {measure.seconds:.1f} s")
                document = {name: [asdict(one) for one in kept] for name, kept in found.items()}
                _kept(sample).write_text(json.dumps(document), "utf-8")


@contextmanager
def _copy_kept(
    client: docker.DockerClient, sample: Sample, wheels: Path, jobs: int
) -> Iterator[None]:
    """A kept copy for those who place one; gone at the end."""
    stack = ""
    try:
        with target(client, sample, wheels, (), foreign=False) as made:
            stack = made.site.stack
            keep_cache(made, sample, jobs)
        yield
    finally:
        runner = Runner(client)
        for copy in find_caches(runner):
            if copy.stack == stack:
                remove_cache(runner, copy.volume)


def _kept(sample: Sample) -> Path:
    return sample.root / "measures.json"


def _scale(sample: Sample) -> Scale | None:
    """What was measured of a sample; None when nothing was."""
    if not _kept(sample).exists():
        return None
    document = json.loads(_kept(sample).read_text("utf-8"))
    return Scale(
        sample.name,
        sample.database_size,
        sample.dump_size,
        sample.documents,
        sample.documents_size,
        {name: [Measure(**one) for one in kept] for name, kept in document.items() if kept},
    )


def _restored(
    client: docker.DockerClient, sample: Sample, wheels: Path, given: tuple[Way, Resources, int]
) -> Measure:
    way, resources, jobs = given
    with target(client, sample, wheels, way.options(resources, sample, jobs), way.foreign) as made:
        measure = way.restore(made, sample, jobs)
        made.require_restored(sample)
    return measure


def _wheels(work: Path) -> Path:
    """click-odoo-contrib and what it needs, unpacked for the Python of Odoo's image."""
    folder = work / "wheels"
    if not folder.is_dir():
        downloads = work / "downloads"
        options = ("--no-deps", "--only-binary=:all:", "--python-version=39", "--quiet")
        argv = (sys.executable, "-m", "pip", "download", *options, f"--dest={downloads}", *_WHEELS)
        subprocess.run(argv, check=True)
        for wheel in sorted(downloads.glob("*.whl")):
            zipfile.ZipFile(wheel).extractall(folder)
    return folder


def _machine(jobs: int, notes: tuple[str, ...]) -> Machine:
    cpu = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines()
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(
        (
            f"{jobs} processors, {cpu[0] if cpu else platform.machine()}, "
            f"{memory / 1e9:.0f} GB of memory",
            f"{platform.system()} {platform.release()}, PostgreSQL 13 and Odoo 14.0 in Docker "
            "containers without limits",
            "backup, PostgreSQL's data and documents on one disk; the backup is in the page cache",
            f"measured on {datetime.now(UTC):%Y-%m-%d} UTC",
            *notes,
        )
    )


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - a tool's own progress


if __name__ == "__main__":
    sys.exit(main())
