"""Makes a generation from a running ERP, which may go on working.

Each database is dumped as of one snapshot, with its row counts read in that very snapshot; then
come the documents, so that no document of the dump can be missing because it was stored later;
last the roles, the configuration and the reverse proxy's certificate. Everything streams into the
repository.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from restore import __version__, model
from restore.adapters import logs
from restore.adapters.docker.facts import (
    read_erp_facts,
    read_image,
    read_node_facts,
    read_operating_system,
)
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres.facts import read_server_facts
from restore.adapters.postgres.sql import connect
from restore.capture import artifacts
from restore.capture.job import CaptureJob, CaptureRequest, ReportsContainers
from restore.capture.reports import capture_keystore, reports_facts
from restore.capture.scratch import scratch_folder
from restore.capture.source import find_source, list_databases
from restore.errors import UsageError
from restore.repository import Repository
from restore.repository.base import generation_id

__all__ = ["CaptureRequest", "ReportsContainers", "capture"]


def capture(
    runner: Runner,
    repository: Repository,
    request: CaptureRequest,
    *,
    now: Callable[[], datetime],
    listener: model.ProgressListener = model.ignore_progress,
) -> model.Generation:
    """Capture a generation; it appears in the repository when it is complete, or not at all.

    Args:
        now: the clock, in UTC.

    Raises:
        NotFoundError: a container or database does not exist.
        EnvironmentFailure: a server does not run or does not answer.
        ReplayError: a dump, a document or a file could not be read or stored.
    """
    profile, proxy = request.profile, request.proxy
    with logs.timed("capture") as told:
        started = now()
        source = find_source(runner, profile, request.database_container, request.erp_container)
        names = list_databases(source, profile, request.databases)
        # Asked first of all: the wrong container should not cost a dump.
        if proxy is not None:
            runner.container(proxy)
        erp = read_erp_facts(runner, request.erp_container, profile)
        with repository.write(generation_id(started, secrets.token_hex(3))) as writer:
            job = CaptureJob(runner, request, source, writer, now, listener)
            found, moment = _capture_part(job, names, erp)
            if request.reports is not None:
                reports, other_moment = _capture_reports(job, request.reports)
                found, moment = replace(found, reports=reports), min(moment, other_moment)
            if proxy is not None:
                proxy_facts = artifacts.capture_proxy(runner, proxy, profile, writer, now())
                found = replace(found, proxy=proxy_facts)
            generation = writer.finish(
                model.Generation(
                    id=writer.id,
                    profile=profile.name,
                    started=started,
                    finished=now(),
                    consistency_point=moment,
                    engine_version=__version__,
                    fingerprint=found,
                    artifacts=(),
                    root=writer.folder,
                )
            )
        told["generation"] = generation.id
        return generation


def _capture_part(
    job: CaptureJob, names: tuple[str, ...], erp: tuple[model.ServerFacts, str]
) -> tuple[model.Fingerprint, datetime]:
    """Store all of a server and its database server; the fingerprint and the consistency point."""
    with scratch_folder(job.scratch, names):
        captured = tuple(artifacts.capture_database(job, name) for name in names)
    for database in captured:
        for tree in job.profile.documents:
            artifacts.capture_documents(job, tree, database)
    artifacts.capture_roles(job)
    for server in (model.Role.ERP, model.Role.DATABASE):
        artifacts.capture_configuration(job, server)
    container = job.source.server.container
    with connect(job.source.server, names[0], as_erp=True) as connection:
        image = read_image(job.runner, container)
        system = read_operating_system(job.runner, container)
        postgresql = read_server_facts(connection, system, image)
    node = read_node_facts(job.runner, container, artifacts.data_folder(job))
    erp_server, series = erp
    documents = next((mount.path for mount in job.profile.erp.data), None)
    erp_node = read_node_facts(job.runner, job.source.erp_container, documents)
    fingerprint = model.Fingerprint(
        postgresql=replace(postgresql, node=node),
        erp=replace(erp_server, node=erp_node),
        erp_series=series,
        databases=tuple(item.facts for item in captured),
        external_url=job.request.external_url
        or artifacts.external_url(job.source.server, names, job.profile),
    )
    return fingerprint, min(item.consistency_point for item in captured)


def _capture_reports(
    job: CaptureJob, containers: ReportsContainers
) -> tuple[model.ReportsFacts, datetime]:
    """Store the reports server, by the same rules, and the keystore of its repository with it."""
    reports, asked = job.profile.reports, job.request
    if reports is None:
        raise UsageError(
            f"profile {job.profile.name} describes no reports server",
            "leave the reports server's containers away, or use another profile",
        )
    where = containers.database, containers.server
    request = CaptureRequest(reports.server, *where, jobs=asked.jobs, scratch=asked.scratch)
    source = find_source(job.runner, reports.server, *where)
    inner = replace(job, request=request, source=source, part=model.Part.REPORTS)
    names = list_databases(source, reports.server, ())
    erp = read_erp_facts(job.runner, containers.server, reports.server)
    fingerprint, consistency_point = _capture_part(inner, names, erp)
    keystore = capture_keystore(inner, reports.keystore)
    facts = reports_facts(source.server, names, reports)
    return replace(facts, server=fingerprint, keystore=keystore), consistency_point
