"""A real Odoo, replayed into empty servers: it starts, serves its pages and its documents."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from restore.checks import check_ids, run_checks
from restore.checks.scenarios import Api, Ground, parse_scenario, play, screenshot
from restore.model import CheckResult, CheckStatus, Credentials, StepStatus
from restore.model.secret import Secret
from restore.profile import Profile
from restore.replay.replay import replay
from restore.repository.folder import FolderRepository
from tests.support.servers import DatabaseLab, Scene, production_scene

pytestmark = pytest.mark.docker

DATABASE = "specibike_prod"
FILESTORE = f"/var/lib/odoo/filestore/{DATABASE}"
ADMIN = Credentials("admin", Secret("admin"))


@pytest.fixture
def odoo(
    clean_lab: DatabaseLab, private_production: FolderRepository, odoo_profile: Profile
) -> Iterator[Scene]:
    """The fixtures' production and an empty environment for it."""
    with production_scene(clean_lab, private_production, odoo_profile) as scene:
        yield scene


def test_a_production_of_odoo_comes_back_to_life_and_losses_are_seen(
    odoo: Scene, tmp_path: Path
) -> None:
    """One replay for all that is seen on it: it takes most of the time."""
    outcome = replay(odoo.plan(), odoo.context)

    assert [s for s in outcome.steps if s.status is not StepStatus.SUCCEEDED] == []
    assert not_passed(outcome.checks) == []
    results = run_checks(odoo.context, ADMIN)
    # Odoo leaves files that no row names until its own clean-up, in production too.
    # There is no proxy here that could serve the backup's certificate.
    assert {check.id.split(":")[0] for check in not_passed(results)} <= {
        "documents.orphans",
        "web.certificate",
    }
    assert tuple(check.id for check in (*outcome.checks, *results)) == check_ids(
        odoo.context.profile, (DATABASE,), odoo.context.generation
    )

    a_page_that_lacks_a_text_is_kept_as_a_picture(odoo, tmp_path)
    every_interface_is_called(odoo)

    lost, name = first_document(odoo)
    odoo.context.runner.check(odoo.erp, ("rm", f"{FILESTORE}/{lost}"), user="root")
    damaged = run_checks(odoo.context, replace(ADMIN, password=Secret("wrong")))

    by_kind = {check.id.split(":")[0]: check for check in damaged}
    attachments = by_kind["documents.attachments"]
    assert attachments.status is CheckStatus.FAILED
    assert any(lost in line and repr(name) in line for line in attachments.details)
    # Nobody can log in with that password, so what needs an account is not known.
    assert by_kind["documents.readable"].status is CheckStatus.UNVERIFIABLE
    web = {check.id: check.status for check in damaged if check.id.startswith("web.")}
    assert web["web.scenario:home"] is CheckStatus.PASSED
    assert web["web.scenario:login"] is CheckStatus.FAILED
    assert web["web.scenario:menu"] is CheckStatus.UNVERIFIABLE


MISSED = """
name: missed
title: A text that is nowhere
steps:
  - {name: enter, log_in: {}, deadline: 60}
  - {name: see, see: "This text is on no page", deadline: 1}
  - {name: call, call: {model: res.partner, method: search_count, arguments: [[]]}}
"""


def a_page_that_lacks_a_text_is_kept_as_a_picture(odoo: Scene, folder: Path) -> None:
    context = odoo.context
    played = play(
        Ground(context.environment, context.runner, DATABASE, ADMIN, "run-1"),
        parse_scenario(MISSED, "missed.yaml"),
    )

    enter, see, call = played.results
    assert enter.status is CheckStatus.PASSED, enter
    assert see.status is CheckStatus.FAILED
    assert see.observed == "'This text is on no page' was not to be seen within 1 s"
    assert see.picture is not None
    assert dict(played.pictures)[see.picture.name].startswith(b"\x89PNG")
    assert call.status is CheckStatus.UNVERIFIABLE

    file = folder / "web.png"
    screenshot(context.environment, context.runner, "/web", file, ADMIN)
    assert file.read_bytes().startswith(b"\x89PNG")


def every_interface_is_called(odoo: Scene) -> None:
    """Odoo 14 still answers calls as OpenERP did."""
    for api in (Api.ODOO, Api.ODOO_XML, Api.OPENERP):
        text = f"""
name: calls
title: Calls
api: {api}
steps:
  - name: find
    call: {{model: res.partner, method: search, arguments: [[], 0, 1],
           expect: {{count: 1}}, at: [], remember: found}}
  - name: read
    call: {{model: res.partner, method: read, arguments: ["{{found}}", [name]],
           at: [0, name], expect: {{contains: ""}}}}
  - name: refused
    call: {{model: res.partner, method: no_such_method}}
"""
        context = odoo.context
        ground = Ground(context.environment, context.runner, DATABASE, ADMIN, "run-1")
        *good, refused = play(ground, parse_scenario(text, "calls.yaml")).results
        assert [one.status for one in good] == [CheckStatus.PASSED] * 2, good
        assert refused.status is CheckStatus.FAILED
        assert refused.observed.startswith("the ERP refused: "), refused
        assert "no_such_method" in refused.observed


def test_a_document_that_the_erp_serves_changed_is_named(odoo: Scene) -> None:
    replay(odoo.plan(), odoo.context)
    path, _ = first_document(odoo)
    odoo.context.runner.check(odoo.erp, ("cp", "/etc/passwd", f"{FILESTORE}/{path}"), user="odoo")

    results = {check.id.split(":")[0]: check for check in run_checks(odoo.context, ADMIN)}

    readable = results["documents.readable"]
    assert readable.status is CheckStatus.FAILED
    assert len(readable.details) == 1
    assert path in readable.details[0]
    passwd = odoo.context.runner.read_file(odoo.erp, "/etc/passwd")
    served = hashlib.sha1(passwd).hexdigest()  # noqa: S324 - Odoo names its files so
    assert f"the ERP served {served}" in readable.details[0]


def first_document(scene: Scene) -> tuple[str, str]:
    """File and name of the first document that Odoo itself lists, always in the sample."""
    query = (
        "SELECT store_fname, name FROM ir_attachment WHERE store_fname IS NOT NULL"
        " ORDER BY id LIMIT 1"
    )
    ((path, name),) = scene.lab.execute(query, DATABASE)
    assert not PurePosixPath(path).is_absolute()
    return path, name


def not_passed(checks: tuple[CheckResult, ...]) -> list[CheckResult]:
    return [check for check in checks if check.status is not CheckStatus.PASSED]
