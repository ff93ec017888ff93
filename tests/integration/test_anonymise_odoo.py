"""A staging copy of a real Odoo that is anonymised: it starts, and serves placeholders."""

from __future__ import annotations

from dataclasses import replace

import pytest

from restore.anonymise import Anonymisation, load_rules
from restore.anonymise.placeholders import placeholders
from restore.checks import run_checks
from restore.model import CheckStatus, Purpose, StepStatus
from restore.model.secret import Secret
from restore.plan.neutralise import administrator
from restore.replay.replay import replay
from tests.integration.test_replay_odoo import ADMIN, DATABASE, FILESTORE, odoo
from tests.support.servers import Scene

__all__ = ["odoo"]

pytestmark = pytest.mark.docker

KEY = Secret("a key of the tests, long enough")


@pytest.mark.heavy
def test_an_anonymised_copy_works_and_its_documents_are_placeholders(odoo: Scene) -> None:
    rules = load_rules("builtin", "odoo")
    context = replace(
        odoo.context,
        purpose=Purpose.STAGING,
        administrator=administrator(ADMIN, bytes(16)),
        anonymisation=Anonymisation(rules, KEY),
    )
    scene = replace(odoo, context=context)

    outcome = replay(scene.plan(purpose=Purpose.STAGING, anonymise=rules), context)

    assert [step for step in outcome.steps if step.status is not StepStatus.SUCCEEDED] == []
    found = {check.id: check for check in outcome.checks if check.id.startswith("anonymised.")}
    assert {check.status for check in found.values()} == {CheckStatus.PASSED}
    assert set(found) == {
        f"anonymised.{kind}:{DATABASE}"
        for kind in ("rules", "scan", "uncovered", "documents:filestore")
    }
    results = {check.id.split(":")[0]: check for check in run_checks(context, ADMIN)}
    for kind in (
        "documents.attachments",
        "documents.orphans",
        "documents.readable",
        "web.scenario",
    ):
        assert results[kind].status is CheckStatus.PASSED, results[kind]
    # No byte of what people had attached is left.
    query = (
        "SELECT count(*), count(*) FILTER (WHERE store_fname = ANY (ARRAY[{}]))"
        " FROM ir_attachment WHERE res_model = 'res.partner'"
    )
    files = ", ".join(f"'{one.file}'" for one in placeholders().values())
    ((partners, replaced),) = scene.lab.execute(query.format(files), DATABASE)
    assert partners == replaced > 200
    listed = scene.in_erp("find", FILESTORE, "-type", "f", "-printf", "%P\\n").splitlines()
    named = scene.lab.execute("SELECT DISTINCT store_fname FROM ir_attachment", DATABASE)
    assert {one for one in listed if not one.startswith("checklist/")} == {
        name for (name,) in named if name
    }
