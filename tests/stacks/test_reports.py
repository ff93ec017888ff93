"""The reports server and its database server, as the program registers them."""

from __future__ import annotations

from dataclasses import replace

from restore.adapters.pulumi.outputs import environment_from_outputs
from stacks import outputs
from tests.stacks.conftest import BLUEPRINT, STACK, Built, build, settings


def built_with_reports() -> Built:
    return build(settings(), replace(BLUEPRINT, reports=replace(BLUEPRINT, erp_role="jasperdb")))


def test_two_more_servers_stand_beside_the_erp() -> None:
    built = built_with_reports()
    assert len(built.of("Container")) == 5
    database, server = built.container("reports-database"), built.container("reports-server")
    assert database["networksAdvanced"][0]["ipv4Address"] == "10.20.30.5"
    assert server["networksAdvanced"][0]["ipv4Address"] == "10.20.30.6"
    assert server["start"] is False
    roles = {label["value"] for label in database["labels"] if label["label"] == "pra.role"}
    assert roles == {"reports-database"}


def test_the_engine_reads_them_from_the_outputs() -> None:
    built = built_with_reports()
    environment = environment_from_outputs(built.outputs).reports
    assert environment is not None
    assert environment.database.erp_role == "jasperdb"
    assert environment.erp.url == f"http://10.20.30.6:{BLUEPRINT.erp.port}"
    assert environment.stack == STACK
    assert outputs.REPORTS in built.secret


def test_without_a_reports_server_nothing_of_it_is_made() -> None:
    built = build(settings())
    assert outputs.REPORTS not in built.outputs
    assert len(built.of("Container")) == 3
