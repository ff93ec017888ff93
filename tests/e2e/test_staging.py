"""Staging copies of a real generation: side by side, safe, and gone when their time has come."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from fixtures.production import LOGIN, PASSWORD
from fixtures.staging_copies import (
    DATABASE,
    administrator,
    banner_seen,
    banner_shown,
    send_mail,
    ways_out,
)
from restore.adapters.docker.runner import LABEL, Runner
from restore.adapters.postgres import sql
from restore.adapters.pulumi.outputs import environment_from_outputs
from restore.adapters.pulumi.rebuild import outputs_of
from restore.anonymise.key import VARIABLE
from restore.errors import ExitCode
from restore.model.locations import STATE
from restore.profile import profile_text
from restore.repository.folder import FolderRepository
from restore.runs.staging.copies import stack_of
from stacks import outputs
from tests.support.drill import Commands, collecting, labelled, told
from tests.support.repository import fingerprint

KEY = "a key of the tests, long enough"

OF_THE_SOFTWARE = {"ir_model", "ir_model_fields", "ir_module_module", "ir_ui_view"}
"""Tables whose own addresses are those of Odoo's authors and examples."""

TOGETHER = (
    # Duplicates stay duplicates, and users the people that they are.
    """SELECT count(*) FROM mail_message a JOIN mail_message b
    ON a.email_from = b.email_from AND a.id < b.id""",
    "SELECT count(DISTINCT lower(email)) FROM res_partner WHERE email LIKE '%@%'",
    "SELECT count(*) FROM res_users u JOIN res_partner p ON p.id = u.partner_id AND p.email <> ''",
    """SELECT count(*) FROM mail_message m JOIN res_partner p
    ON p.id = m.author_id AND position(lower(p.email) IN lower(m.email_from)) > 0""",
    # What a company did stays what it did.
    "SELECT sum(amount_total) FROM sale_order",
)
"""What joins by addresses must give in both copies, each more than nothing."""

pytestmark = [pytest.mark.docker, pytest.mark.e2e]


@pytest.fixture
def names(commands: Commands, docker_runner: Runner) -> Iterator[tuple[str, ...]]:
    """Names of copies that nobody else has; what is left of them is gone afterwards."""
    found = tuple(f"t{os.urandom(3).hex()}-{letter}" for letter in "abc")
    yield found
    for name in found:
        commands.pra("staging", "destroy", name)
    assert [item for name in found for item in labelled(docker_runner, stack_of(name))] == []


def create(
    commands: Commands, name: str, repository: FolderRepository, *options: str
) -> subprocess.Popen[str]:
    return commands.start(
        "staging", "create", "--name", name, "--generation", "latest", "--for", "1h", "--cold",
        "--repository", repository.location, "--reports", str(commands.reports), *options,
    )  # fmt: skip


def copies(commands: Commands, *names: str) -> dict[str, dict[str, Any]]:
    done = commands.pra("--json", "staging", "list")
    assert done.returncode == 0, told(done)
    return {one["name"]: one for one in json.loads(done.stdout) if one["name"] in names}


def servers(runner: Runner, name: str) -> list[Any]:
    return runner.client.containers.list(
        all=True, filters={"label": f"{LABEL}={stack_of(name)}"}, ignore_removed=True
    )


def test_two_copies_stand_side_by_side_and_end_when_they_expire(
    commands: Commands,
    names: tuple[str, ...],
    production_repository: FolderRepository,
    docker_runner: Runner,
    tmp_path: Path,
) -> None:
    picture = tmp_path / "pictures" / "copy.png"
    before = fingerprint(Path(production_repository.location))
    kept, short, killed = names
    # At once: neither may take what the other has chosen.
    anonymous = replace(commands, variables=((VARIABLE, KEY),))
    under_way = [
        create(commands, kept, production_repository),
        create(anonymous, short, production_repository, "--anonymise", "builtin"),
    ]
    told_of = {}
    for name, process in zip((kept, short), under_way, strict=True):
        told_of[name], _ = process.communicate(timeout=400)
        assert process.returncode == ExitCode.PASS, told_of[name]

    found = copies(commands, kept, short)
    assert [found[name]["state"] for name in (kept, short)] == ["ready", "ready"]
    assert [found[name]["anonymised"] for name in (kept, short)] == [False, True]
    they_stand_apart(found, docker_runner)
    nobody_is_left(found[short], found[kept])
    for name, copy in found.items():
        nothing_leaves(copy, docker_runner)
        production_has_no_key(copy, told_of[name], commands, docker_runner)

    assert commands.pra("staging", "renew", kept, "--for", "30d").returncode == 0
    assert commands.pra("staging", "renew", short, "--for", "1s").returncode == 0
    with collecting():
        dying = create(commands, killed, production_repository)
        _until(lambda: bool(servers(docker_runner, killed)), 120)
        os.kill(dying.pid, signal.SIGKILL)
        dying.communicate(timeout=60)
        _until(lambda: copies(commands, short)[short]["state"] == "expired", 30)

        assert copies(commands, killed)[killed]["state"] == "abandoned"
        collected = commands.pra("--json", "gc", "--repository", production_repository.location)

    assert collected.returncode == 0, told(collected)
    taken = {one["stack"]: one["reason"] for one in json.loads(collected.stdout)}
    assert "expired on" in taken[stack_of(short)] and "creation" in taken[stack_of(killed)]
    assert stack_of(kept) not in taken
    assert servers(docker_runner, short) == servers(docker_runner, killed) == []
    (left,) = copies(commands, *names).values()
    assert (left["name"], left["state"], left["servers"]) == (kept, "ready", "3 of 3 run")
    assert banner_shown(left) and not banner_seen(docker_runner, left, picture)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert fingerprint(Path(production_repository.location)) == before


def they_stand_apart(found: dict[str, dict[str, Any]], runner: Runner) -> None:
    """Each has its own port, on this machine only, its own network and its own passwords."""
    for key in ("port", "subnet", "url"):
        assert len({copy[key] for copy in found.values()}) == len(found), key
    secrets = [outputs_of(copy["stack"]) for copy in found.values()]
    for key in (outputs.DATABASE_PASSWORD, outputs.ERP_ROLE_PASSWORD):
        assert len({one[key] for one in secrets}) == len(found)
    for name, copy in found.items():
        ports = [c.attrs["HostConfig"]["PortBindings"] or {} for c in servers(runner, name)]
        bound = [one for binding in ports for places in binding.values() for one in places]
        assert [(one["HostIp"], one["HostPort"]) for one in bound] == [
            ("127.0.0.1", str(copy["port"]))
        ]


def nobody_is_left(anonymised: dict[str, Any], original: dict[str, Any]) -> None:
    """No address of production's is in any row, and what belonged together still does."""
    with opened(original) as of_production, opened(anonymised) as of_nobody:
        found = addresses(of_production)
        people = {one for one, tables in found.items() if not tables <= OF_THE_SOFTWARE}
        assert len(people) > 300 and any(one.endswith("@specibike.example") for one in people)
        left = addresses(of_nobody)
        assert {one: tables for one, tables in left.items() if one in people} == {}
        for query in TOGETHER:
            ((expected,),) = sql.rows(of_production, query)
            ((observed,),) = sql.rows(of_nobody, query)
            assert observed == expected and expected, query


@contextmanager
def opened(copy: dict[str, Any]) -> Iterator[sql.Connection]:
    """A superuser's session in a copy's database."""
    server = environment_from_outputs(outputs_of(copy["stack"])).database
    with sql.connect(server, DATABASE) as connection:
        yield connection


def addresses(connection: sql.Connection) -> dict[str, set[str]]:
    """The tables of every e-mail address in any column, found without the engine's own scan."""
    query = (
        "SELECT DISTINCT lower(one_found[1])"
        " FROM {} AS one_row, regexp_matches(one_row::text, %s, 'g') AS one_found"
    )
    address = r"([[:alnum:]._+-]+@[[:alnum:]-]+(?:\.[[:alnum:]-]+)+)"
    found: dict[str, set[str]] = defaultdict(set)
    tables = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
    for (table,) in sql.rows(connection, tables):
        for (one,) in sql.rows(connection, query.format(table), address):
            found[one].add(table)
    return found


def nothing_leaves(copy: dict[str, Any], runner: Runner) -> None:
    """It says what it is, and a mail goes nowhere: the ERP's queue tells, and there is no way."""
    assert copy["neutralised"] and banner_shown(copy)
    mail = send_mail(copy, "Order confirmed")
    assert mail.state == "exception", mail
    ways = ways_out(runner, copy)
    assert len(ways) == 2 and not any(way.endswith("reached") for way in ways), ways


def production_has_no_key(
    copy: dict[str, Any], output: str, commands: Commands, runner: Runner
) -> None:
    """Production's account is refused, and the copy's password stands in one file only."""
    _, password = administrator(copy)
    assert Path(copy["password_file"]).stat().st_mode & 0o777 == 0o600
    body: dict[str, Any] = {
        "jsonrpc": "2.0",
        "method": "call",
        "params": {"service": "common", "method": "login", "args": [DATABASE, LOGIN, PASSWORD]},
    }
    answer = httpx.post(f"{copy['url']}/jsonrpc", json=body, timeout=60).json()
    assert answer.get("result") is False, answer
    master = master_password(Path(copy["repository"]) / "generations" / copy["generation"])
    for method, arguments in (("list", []), ("dump", [master, DATABASE, "zip"])):
        body["params"] = {"service": "db", "method": method, "args": arguments}
        answer = httpx.post(f"{copy['url']}/jsonrpc", json=body, timeout=60).json()
        assert answer["error"]["data"]["name"].endswith("AccessDenied"), method
    (erp,) = runner.client.containers.list(
        filters={"label": [f"{LABEL}={copy['stack']}", "pra.role=erp"]}
    )
    assert master.encode() not in runner.read_file(str(erp.id), "/etc/odoo/odoo.conf")
    assert password not in output
    state = [STATE / "state", commands.reports]
    for path in (path for folder in state for path in folder.rglob("*") if path.is_file()):
        assert password.encode() not in path.read_bytes(), path
    (run,) = [path for path in commands.reports.iterdir() if path.name == copy["run"]]
    report = json.loads((run / "report.json").read_text(encoding="utf-8"))
    checks = {check["id"]: check["status"] for check in report["checks"]}
    assert checks["staging.passwords"] == "passed"


def master_password(generation: Path) -> str:
    """What opens the database manager of production."""
    text = (generation / "configuration" / "erp" / "odoo.conf").read_text(encoding="utf-8")
    (found,) = re.findall(r"^admin_passwd = (\S+)$", text, re.MULTILINE)
    return str(found)


@pytest.mark.heavy
def test_a_copy_that_is_not_neutralised_never_runs(
    commands: Commands,
    names: tuple[str, ...],
    production_repository: FolderRepository,
    docker_runner: Runner,
    tmp_path: Path,
) -> None:
    profile = yaml.safe_load(profile_text("odoo"))
    profile["neutralisation"]["rules"].append(
        {
            "name": "canary",
            "title": {"en": "Canary", "fr": "Canari"},
            "acts": [
                {
                    "when": ["res_users.login"],
                    "sql": ["UPDATE res_users SET login = login"],
                    "proof": "SELECT 'this is still dangerous'",
                }
            ],
        }
    )
    path = tmp_path / "odoo.yaml"
    path.write_text(yaml.safe_dump(profile, sort_keys=False), encoding="utf-8")
    options = ("--profile", str(path), "--keep-failed")
    process = create(commands, names[0], production_repository, *options)
    output, _ = process.communicate(timeout=400)

    assert process.returncode == ExitCode.REPLAY, output
    assert "this is still dangerous" in output
    copy = copies(commands, names[0])[names[0]]
    assert (copy["state"], copy["neutralised"], copy["url"]) == ("failed", False, None)
    states = {one.labels["pra.role"]: one.status for one in servers(docker_runner, names[0])}
    # The ERP was never started.
    assert states == {"database": "exited", "erp": "created", "proxy": "exited"}
    assert not copy["password_file"]


def _until(holds: Any, seconds: float) -> None:
    wait = Retrying(
        retry=retry_if_result(lambda result: not result),
        stop=stop_after_delay(seconds),
        wait=wait_fixed(0.3),
    )
    assert wait(holds)
