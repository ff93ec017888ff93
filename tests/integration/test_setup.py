"""Set-up as it stands on this machine, and the images' contracts with the official ones."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.errors import APIError
from docker.models.containers import Container

from offline import doctor
from offline.setup import TREE
from tests.support.containers import output_of

pytestmark = pytest.mark.docker

POSTGRESQL = "pra/postgresql:13"
ODOO = "pra/odoo:14.0"
NGINX = "pra/nginx:1.18"


@pytest.fixture
def client() -> Iterator[docker.DockerClient]:
    with_engine = docker.from_env()
    yield with_engine
    with_engine.close()


@contextmanager
def running(client: docker.DockerClient, image: str, **options: Any) -> Iterator[Container]:
    labels = {"pra.stack": f"test-setup-{secrets.token_hex(4)}"}
    container = client.containers.run(image, detach=True, labels=labels, **options)
    try:
        yield container
    finally:
        with suppress(APIError):
            container.remove(force=True, v=True)


def until_ready(container: Container, command: list[str], seconds: float = 30) -> str:
    """Run the probe until it succeeds; its last output explains a failure."""
    deadline = time.monotonic() + seconds
    while True:
        code, output = container.exec_run(command)
        assert isinstance(output, bytes)
        text = output.decode()
        if code == 0:
            return text
        container.reload()
        if time.monotonic() > deadline or container.status == "exited":
            logs = container.logs(tail=20).decode()
            raise AssertionError(f"{command} → {code}: {text}\n{logs}")
        time.sleep(0.1)


def sql(container: Container, statement: str, *options: str) -> str:
    return output_of(container, ["psql", "-XAtw", *options, "-c", statement]).strip()


def set_up(*prefix: str) -> subprocess.CompletedProcess[str]:
    """Run set-up where it has nothing to make: these tests run in what it would change."""
    if doctor.main(["--json"]):
        pytest.fail("set-up has something to make here: run `make setup`, then the tests")
    return subprocess.run(
        [*prefix, sys.executable, "-m", "offline.setup"],
        cwd=TREE,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_second_set_up_makes_nothing() -> None:
    done = set_up()
    assert done.returncode == 0, done.stdout + done.stderr
    assert " made" not in done.stdout.replace("(made from", "").replace("(made by", "")


def test_a_second_set_up_needs_no_network() -> None:
    options = ("--net",) if os.geteuid() == 0 else ("--net", "--map-root-user")
    done = set_up("unshare", *options)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_doctor_finds_everything() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "offline.doctor", "--json"],
        cwd=TREE,
        capture_output=True,
        text=True,
        check=False,
    )
    findings = json.loads(done.stdout)
    assert done.returncode == 0, findings
    names = {finding["component"] for finding in findings}
    assert {"Docker engine", "Pulumi CLI", "Docker provider", POSTGRESQL, ODOO, NGINX} <= names


@pytest.fixture
def password(tmp_path: Path) -> Path:
    """A secret that only root can read, as a stack uploads it."""
    file = tmp_path / "password"
    file.write_text("not in any argv")
    file.chmod(0o600)
    return file


def test_postgresql_starts_as_the_official_image_does(
    client: docker.DockerClient, password: Path, tmp_path: Path
) -> None:
    settings = tmp_path / "postgresql.conf"
    settings.write_text("listen_addresses = '*'\nmax_connections = 33\n")
    settings.chmod(0o644)
    tmp_path.chmod(0o755)
    with running(
        client,
        POSTGRESQL,
        command=["postgres", "-c", "config_file=/etc/postgresql/postgresql.conf"],
        environment={
            "POSTGRES_USER": "admin",
            "POSTGRES_DB": 'odd "name"',
            "POSTGRES_INITDB_ARGS": "--encoding=UTF8 --locale=fr_FR.UTF-8",
            "POSTGRES_PASSWORD_FILE": "/run/secrets/password",
        },
        volumes=[
            f"{password}:/run/secrets/password:ro",
            f"{settings}:/etc/postgresql/postgresql.conf:ro",
        ],
    ) as server:
        until_ready(server, ["pg_isready", "-h", "127.0.0.1", "-U", "admin"])

        # Ready by TCP means the real server, complete: the first statement finds all of it.
        to = ("-U", "admin", "-d", 'odd "name"')
        assert sql(server, "SHOW max_connections", *to) == "33"
        assert sql(server, "SELECT datcollate FROM pg_database LIMIT 1", *to) == "fr_FR.UTF-8"
        assert (
            sql(server, "SELECT left(rolpassword, 5) FROM pg_authid WHERE rolname = 'admin'", *to)
            == "SCRAM"
        )
        code, _ = server.exec_run(["psql", "-Xw", "-h", "127.0.0.1", *to, "-c", "SELECT 1"])
        assert code != 0, "without the password, TCP is refused"
        variables = {"PGPASSWORD": "not in any argv"}
        code, _ = server.exec_run(
            ["psql", "-Xw", "-h", "127.0.0.1", *to, "-c", "SELECT 1"], environment=variables
        )
        assert code == 0
        uid = output_of(server, ["stat", "-c", "%u", "/var/lib/postgresql/data"])
        assert uid.strip() == "999"

        server.stop(timeout=20)
        server.reload()
        assert server.attrs["State"]["ExitCode"] == 0, "SIGINT reaches the server itself"
        assert "not in any argv" not in server.logs().decode()
        server.start()
        until_ready(server, ["pg_isready", "-h", "127.0.0.1", "-U", "admin"])


def test_postgresql_refuses_to_start_without_a_password(client: docker.DockerClient) -> None:
    with running(client, POSTGRESQL) as server:
        assert server.wait(timeout=20)["StatusCode"] == 1
        assert "POSTGRES_PASSWORD_FILE" in server.logs().decode()


def test_postgresql_begins_anew_after_an_interrupted_first_start(
    client: docker.DockerClient, password: Path
) -> None:
    volume = client.volumes.create(labels={"pra.stack": "test-setup"})
    options = {
        "environment": {"POSTGRES_DB": "one", "POSTGRES_PASSWORD_FILE": "/run/password"},
        "volumes": [f"{password}:/run/password:ro", f"{volume.name}:/var/lib/postgresql/data"],
    }
    probe = ["pg_isready", "-h", "127.0.0.1"]
    try:
        with running(client, POSTGRESQL, **options) as server:
            until_ready(server, probe)
            server.exec_run(["touch", "/var/lib/postgresql/data/first-start-under-way"])
            sql(server, "DROP DATABASE one", "-U", "postgres", "-d", "postgres")
        with running(client, POSTGRESQL, **options) as server:
            until_ready(server, probe)
            assert sql(server, "SELECT current_database()", "-U", "postgres", "-d", "one") == "one"
    finally:
        volume.remove(force=True)


def test_images_tell_their_server_version_before_any_container_runs(
    client: docker.DockerClient,
) -> None:
    def variables(name: str) -> dict[str, str]:
        return dict(line.split("=", 1) for line in client.images.get(name).attrs["Config"]["Env"])

    assert variables(POSTGRESQL)["PG_MAJOR"] == "13"
    assert variables(POSTGRESQL)["PG_VERSION"].startswith("13.")
    assert variables(ODOO)["ODOO_VERSION"] == "14.0"
    assert variables(ODOO)["ODOO_RELEASE"].startswith("14.0")
    assert variables(NGINX)["NGINX_VERSION"].startswith("1.18")


def test_odoo_has_what_checks_and_reports_need(client: docker.DockerClient) -> None:
    with running(client, ODOO, entrypoint=["sleep"], command=["60"]) as server:
        script = (
            "id -u; stat -c %u /var/lib/odoo; /usr/bin/odoo --version;"
            "command -v python3 curl find sha1sum wkhtmltopdf pg_dump >/dev/null && echo tools"
        )
        output = output_of(server, ["sh", "-c", script])
        assert output.split("\n")[:4] == ["101", "101", "Odoo Server 14.0", "tools"]


def test_nginx_answers_and_stops_gracefully(client: docker.DockerClient) -> None:
    with running(client, NGINX) as server:
        text = until_ready(server, ["curl", "-fsS", "http://127.0.0.1/"])
        assert "nginx is up" in text
        server.stop(timeout=20)
        server.reload()
        assert server.attrs["State"]["ExitCode"] == 0


def test_nothing_of_the_build_is_left_in_an_image(client: docker.DockerClient) -> None:
    for image in (POSTGRESQL, ODOO, NGINX):
        with running(client, image, entrypoint=["sleep"], command=["60"], user="root") as server:
            _, output = server.exec_run(["find", "/etc/apt/apt.conf.d", "-name", "90host"])
            assert output == b""
            _, output = server.exec_run(["find", "/var/lib/apt/lists", "-type", "f"])
            assert output == b""
