"""Decides, for an environment that stands, whether a cache is placed or made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from restore import model
from restore.adapters.docker.cache_volumes import find_caches
from restore.adapters.docker.facts import df_command, parse_df
from restore.adapters.docker.runner import Runner
from restore.adapters.postgres import sql
from restore.adapters.postgres.locales import list_locales
from restore.model.messages import message
from restore.model.node_records import DATABASE_ROLES
from restore.plan.bulk import size_of
from restore.plan.cache.key import ServerIdentity, cache_key
from restore.plan.cache.policy import CachePolicy
from restore.plan.disk import disk_need
from restore.plan.planning import plan
from restore.plan.reports import reports_request
from restore.plan.request import BulkState, PlanRequest
from restore.plan.text import size_text
from restore.runs.observe import list_extensions

_SETTINGS: Final = """
SELECT name, setting FROM pg_catalog.pg_settings
WHERE context = 'internal' AND name <> 'in_hot_standby'
   OR setting IS DISTINCT FROM boot_val
  AND source NOT IN ('client', 'session', 'interactive', 'test')
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """A plan's request with what it does with caches, the mode that makes it, and why.

    ``mode`` is None where no database is replayed at all.
    """

    request: PlanRequest
    mode: model.ReplayMode | None
    reason: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Half:
    part: model.Part
    server: model.DatabaseServer
    request: PlanRequest


def choose_cache(
    runner: Runner, environment: model.Environment, request: PlanRequest, policy: CachePolicy
) -> Choice:
    """Decide whether a plan places caches, or makes some, and say why.

    Caches are placed for every database server of the environment, or for none.

    Raises:
        RefusedError: there is no plan for the environment.
    """
    if not set(request.nodes) & DATABASE_ROLES:
        return Choice(request, None)
    cold = Choice(request, model.ReplayMode.COLD, policy.why)
    if not (policy.use or policy.keep) or request.nodes != tuple(model.Role):
        return cold
    halves = tuple(_halves(environment, request))
    targets = [half.request.target for half in halves]
    if any(target.existing or target.bulk is not BulkState.NONE for target in targets):
        return replace(cold, reason=policy.why or message("the environment is not a new one"))
    planned = plan(request)
    keys = {
        half.part: cache_key(half.request, planned, half.part, identify_server(runner, half.server))
        for half in halves
    }
    if policy.use:
        newest = {half.part: _newest(runner, half, keys[half.part]) for half in halves}
        caches = {part: cache for part, cache in newest.items() if cache is not None}
        if len(caches) == len(halves):
            uses = {part: model.CacheUse(cache.key, cache.volume) for part, cache in caches.items()}
            cache = caches[model.Part.ERP]
            reason = message(
                "copy {key}, kept {moment} UTC by {stack}",
                key=cache.key[:12],
                moment=f"{cache.kept:%Y-%m-%d %H:%M}",
                stack=cache.stack,
            )
            return Choice(_with(request, uses), model.ReplayMode.CACHED, reason)
        cold = replace(cold, reason=message("no copy is kept of this generation for such a server"))
    problem = _short_of_room(runner, halves, request) if policy.keep else ""
    if not policy.keep or problem:
        return replace(cold, warnings=(problem,) if problem else ())
    return replace(
        cold, request=_with(request, {part: model.CacheUse(k) for part, k in keys.items()})
    )


def identify_server(runner: Runner, server: model.DatabaseServer) -> ServerIdentity:
    """Ask a database server for all that its stored data depend on."""
    image = str(runner.container(server.container).attrs["Image"])
    with sql.connect(server) as connection:
        version = str(sql.rows(connection, "SHOW server_version")[0][0])
        settings = sql.rows(connection, _SETTINGS)
        extensions = list_extensions(connection)
        collations = list_locales(connection)
    return ServerIdentity(
        image=image,
        version=version,
        settings=tuple(sorted((str(name), str(value)) for name, value in settings)),
        collations=collations,
        extensions=extensions,
    )


def _halves(environment: model.Environment, request: PlanRequest) -> Iterator[_Half]:
    yield _Half(model.Part.ERP, environment.database, request)
    reports = reports_request(request)
    if reports is not None and environment.reports is not None:
        yield _Half(model.Part.REPORTS, environment.reports.database, reports)


def _newest(runner: Runner, half: _Half, key: str) -> model.Cache | None:
    there = Runner(runner.engine_of(half.server.container))
    return next((one for one in find_caches(there, key) if one.complete), None)


def _with(request: PlanRequest, uses: dict[model.Part, model.CacheUse]) -> PlanRequest:
    target = replace(request.target, cache=uses[model.Part.ERP])
    if target.reports is not None and model.Part.REPORTS in uses:
        target = replace(target, reports=replace(target.reports, cache=uses[model.Part.REPORTS]))
    return replace(request, target=target)


def _short_of_room(runner: Runner, halves: tuple[_Half, ...], request: PlanRequest) -> str:
    """Why the disks have no room for the databases and their caches; empty when they have."""
    names = tuple(facts.name for facts in request.generation.fingerprint.databases)
    need = disk_need(request.generation, request.databases or names).environment
    for half in halves:
        wanted = half.request.databases
        need += sum(
            size_of(half.request, facts)
            for facts in half.request.generation.fingerprint.databases
            if not wanted or facts.name in wanted
        )
    for half in halves:
        data = half.request.profile.database.data
        room = parse_df(runner.check(half.server.container, df_command(data)))
        free = room.free if room else 0
        if free < need:
            return message(
                "no copy of the database server's data is kept: that would take {need} with "
                "all that is restored, and {free} is free",
                need=size_text(need),
                free=size_text(free),
            )
    return ""
