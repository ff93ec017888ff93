"""Scenarios on pages of a real web server, in a real browser that finds no way out."""

from __future__ import annotations

import io
import secrets
import tarfile
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from restore.adapters.docker.runner import LABEL, Runner
from restore.checks.scenarios import Ground, ScenarioResults, parse_scenario, play, screenshot
from restore.errors import EnvironmentFailure
from restore.model import CheckResult, CheckStatus, Credentials, DatabaseServer, Environment
from restore.model import ErpServer as Erp
from restore.model.secret import Secret
from restore.report.files import write_report
from restore.report.html import to_html
from tests.support.report_samples import passed
from tests.support.servers import placed, private_network

pytestmark = pytest.mark.docker

PASSWORD = "canary-p4ssw0rd"
PNG = b"\x89PNG\r\n\x1a\n"

LOGIN = """<!doctype html><title>Log in</title><form action="/home.html">
<label>Name <input name="login"></label> <label>Word <input name="password" type="password"></label>
<button type="submit">Enter</button></form>"""
HOME = """<!doctype html><title>Home</title><h1>Welcome</h1><p hidden>Welcome, but hidden</p>
<label>Search <input id="search"></label><button onclick="late()">Show</button>
<button>Twice</button><button>Twice</button><ul></ul>
<script>function late() { setTimeout(() => {
  document.querySelector("ul").innerHTML = "<li>Order 42</li>";
  history.pushState({}, "", "/home.html?token=hush#orders");
  document.querySelector("h1").remove(); }, 300) }</script>"""
BARE = LOGIN.replace('type="password"', "")
SITE = {"login.html": LOGIN, "home.html": HOME, "bare.html": BARE}


@pytest.fixture(scope="module")
def environment(docker_runner: Runner) -> Iterator[Environment]:
    """A web server in the ERP's place, on a network without a way out."""
    stack = f"test-{secrets.token_hex(4)}"
    with private_network(docker_runner, stack) as (network, (_, address)):
        container = docker_runner.client.containers.create(
            "pra/nginx:1.18", **placed(docker_runner, stack, network, address)
        )
        try:
            container.put_archive("/", site())
            container.start()
            database = DatabaseServer(
                "none", "10.0.0.2", 5432, "p", Secret("s"), "odoo", Secret("o"), "/r"
            )
            url = f"http://{address}"
            erp = Erp(str(container.id), address, 80, url)
            yield Environment(stack, str(network.name), database, erp, url)
            left = docker_runner.client.containers.list(
                all=True, filters={"label": f"{LABEL}={stack}"}
            )
            assert [one.id for one in left] == [container.id], "a browser was left over"
        finally:
            container.remove(force=True)


def site() -> bytes:
    """The pages, and a configuration that serves them, as a tar."""
    configuration = "server { listen 80; root /srv; types { text/html html; } }"
    files = {f"srv/{name}": text for name, text in SITE.items()}
    files["etc/nginx/conf.d/default.conf"] = configuration
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(text.encode()), 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
    return made.getvalue()


def played(environment: Environment, runner: Runner, steps: str) -> ScenarioResults:
    account = Credentials("ann", Secret(PASSWORD))
    text = f"name: shop\ntitle: The shop\ndeadline: 10\nsteps:\n{steps}"
    ground = Ground(environment, runner, "prod", account, "run-1")
    return play(ground, parse_scenario(text, "shop.yaml"))


def by_step(found: ScenarioResults) -> dict[str, CheckResult]:
    return {one.id.removeprefix("scenario.shop."): one for one in found.results}


def test_pages_are_used_as_people_use_them(
    environment: Environment, docker_runner: Runner, tmp_path: Path
) -> None:
    found = played(
        environment,
        docker_runner,
        """
  - {name: log-in, log_in: {path: /login.html}}
  - {name: welcome, see: Welcome}
  - {name: search, fill: {into: {label: Search}, text: "of {login} {run}"}}
  - {name: show, click: {role: button, name: Show}, picture: false}
  - {name: order, see: {text: Order}}
  - {name: read, read: {from: {selector: li}, remember: order}}
  - {name: again, see: {text: "{order}", exact: true}}
  - {name: no-welcome, gone: Welcome}
  - {name: address, address: "#orders"}
  - {name: key, press: Tab}
  - {name: look, look: true}
""",
    )
    assert {one.status for one in found.results} == {CheckStatus.PASSED}, found.results
    results = by_step(found)
    assert results["log-in"].observed == "logged in as ann"
    assert results["again"].observed == "saw 'Order 42'"
    assert results["show"].picture is None
    names = [name for name, _ in found.pictures]
    assert len(names) == 10 and names[0] == "scenario-shop.log-in.png"
    for one in found.results:
        if one.picture is not None:
            content = dict(found.pictures)[one.picture.name]
            assert content.startswith(PNG) and len(content) == one.picture.bytes
            assert sha256(content).hexdigest() == one.picture.sha256
    reported_with_pictures(found, tmp_path)


def reported_with_pictures(found: ScenarioResults, folder: Path) -> None:
    """The pictures lie beside the report, are signed with it, and are shown; no secret is."""
    report = replace(passed(), checks=found.results)
    signed: dict[str, bytes] = {}

    def sign(files: Any) -> str:
        signed.update(files)
        return "{}"

    write_report(report, folder, "fr", sign, dict(found.pictures))
    for name, content in found.pictures:
        assert (folder / name).read_bytes() == content == signed[name]
    for language in ("en", "fr"):
        page = to_html(report, language)
        assert all(f'<img src="{name}"' in page for name, _ in found.pictures)
    text = "".join(path.read_text() for path in folder.iterdir() if path.suffix != ".png")
    assert "scenario-shop.log-in.png" in text and "Captures d’écran" in text
    assert PASSWORD not in text and "hush" not in text


def test_what_fails_keeps_its_screenshot_and_says_why(
    environment: Environment, docker_runner: Runner
) -> None:
    found = played(
        environment,
        docker_runner,
        """
  - {name: home, open: /home.html}
  - {name: hidden, see: {text: "Welcome, but hidden"}, deadline: 1}
  - {name: after, look: true}
""",
    )
    home, hidden, after = found.results
    assert home.status is CheckStatus.PASSED
    assert hidden.status is CheckStatus.FAILED and 1 <= hidden.duration < 5
    assert hidden.observed == "'Welcome, but hidden' was not to be seen within 1 s"
    assert hidden.details == ("the page is /home.html",)
    assert hidden.picture is not None
    assert dict(found.pictures)[hidden.picture.name].startswith(PNG)
    assert (after.status, after.reason) == (CheckStatus.UNVERIFIABLE, "after failure of hidden")


@pytest.mark.parametrize(
    ("steps", "observed"),
    [
        ("{name: a, open: /none.html}", "the page answered HTTP 404"),
        # Where the login form lets a password be seen, it is not typed.
        ("{name: a, log_in: {path: /bare.html}}", "the password goes into fields for passwords"),
    ],
)
def test_failures_are_told_apart(
    steps: str, observed: str, environment: Environment, docker_runner: Runner
) -> None:
    (result,) = played(environment, docker_runner, f"  - {steps}\n").results
    assert result.status is CheckStatus.FAILED
    assert result.observed.startswith(observed)
    assert PASSWORD not in repr(result)


def test_one_of_two_is_not_clicked_and_nothing_outside_is_reached(
    environment: Environment, docker_runner: Runner
) -> None:
    found = played(
        environment, docker_runner, "  - {name: a, open: /home.html}\n  - {name: b, click: Twice}\n"
    )
    assert "resolved to 2 elements" in by_step(found)["b"].observed
    outside = replace(environment, erp=replace(environment.erp, address="198.51.100.1"))
    steps = "  - {name: a, open: /, deadline: 2, picture: false}\n"
    (result,) = played(outside, docker_runner, steps).results
    assert result.status is CheckStatus.FAILED
    assert result.observed == "the page did not answer within 2 s"


def test_a_picture_of_a_page_is_kept(
    environment: Environment, docker_runner: Runner, tmp_path: Path
) -> None:
    screenshot(environment, docker_runner, "/home.html", tmp_path / "home.png")
    assert (tmp_path / "home.png").read_bytes().startswith(PNG)
    account = Credentials("ann", Secret(PASSWORD))
    with pytest.raises(EnvironmentFailure, match="the page answered HTTP 404") as caught:
        screenshot(environment, docker_runner, "/", tmp_path / "none.png", account)
    assert PASSWORD not in str(caught.value)
    elsewhere = replace(environment, erp=replace(environment.erp, port=81))
    with pytest.raises(EnvironmentFailure, match=r"no picture of /home\.html"):
        screenshot(elsewhere, docker_runner, "/home.html", tmp_path / "none.png")
