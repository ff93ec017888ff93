"""The environment, as its program registers it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from restore.adapters.docker.rights import PROXY, STEPPING_DOWN
from restore.adapters.docker.runner import LABEL
from restore.adapters.pulumi.outputs import environment_from_outputs
from restore.model import Purpose
from restore.model.secret import Secret
from stacks import labels, outputs
from stacks.proxy import CERTIFICATE, HEALTH, published_url
from tests.stacks.conftest import ANONYMISED, BLUEPRINT, PORT, STACK, Built, build, settings

SERVERS = ("database", "erp", "proxy")
PASSWORDS = {outputs.DATABASE_PASSWORD, outputs.ERP_ROLE_PASSWORD}


def labels_of(inputs: dict[str, object]) -> dict[str, str]:
    pairs = inputs["labels"]
    assert isinstance(pairs, list)
    return {pair["label"]: pair["value"] for pair in pairs}


def test_the_outputs_are_all_that_the_engine_needs(built: Built) -> None:
    assert set(built.outputs) == {*outputs.ENVIRONMENT, outputs.PROXY_CONTAINER}
    environment = environment_from_outputs(built.outputs)
    assert environment.stack == STACK
    assert environment.database.address == "10.20.30.2"
    assert environment.database.container == f"{STACK}-database-id"
    assert environment.erp.url == environment.external_url == f"http://127.0.0.1:{PORT}"
    assert built.secret >= PASSWORDS


def test_only_a_staging_copy_says_what_it_is_for(built: Built) -> None:
    assert environment_from_outputs(built.outputs).purpose is Purpose.RECOVERY
    copy = build(settings(purpose="staging"))
    assert environment_from_outputs(copy.outputs).purpose is Purpose.STAGING
    assert not environment_from_outputs(copy.outputs).anonymised
    nobody = build(settings(("anonymisationKey",), **ANONYMISED))
    assert environment_from_outputs(nobody.outputs).anonymised


def test_there_are_three_servers(built: Built) -> None:
    assert set(built.of("Container")) == {f"{STACK}-{role}" for role in SERVERS}
    assert set(built.of("Network")) >= {f"{STACK}-network-internal", f"{STACK}-network-outer"}
    assert set(built.of("Volume")) == {f"{STACK}-database-data", f"{STACK}-erp-documents"}


@pytest.mark.parametrize("role", SERVERS)
def test_each_server_is_on_the_internal_network_at_its_address(built: Built, role: str) -> None:
    first = built.container(role)["networksAdvanced"][0]
    assert first["name"].startswith(f"{STACK}-network-internal")
    assert first["ipv4Address"] == f"10.20.30.{2 + SERVERS.index(role)}"


def test_only_the_proxy_is_on_another_network(built: Built) -> None:
    assert len(built.container("database")["networksAdvanced"]) == 1
    assert len(built.container("erp")["networksAdvanced"]) == 1
    outer = built.container("proxy")["networksAdvanced"][1]
    assert outer["name"].startswith(f"{STACK}-network-outer")


def test_no_network_leads_out(built: Built) -> None:
    internal = built.of("Network")[f"{STACK}-network-internal"].inputs
    outer = built.of("Network")[f"{STACK}-network-outer"].inputs
    assert internal["internal"] is True
    assert internal["ipamConfigs"] == [{"subnet": "10.20.30.0/24", "gateway": "10.20.30.1"}]
    assert outer["options"] == {"com.docker.network.bridge.enable_ip_masquerade": "false"}


def test_one_port_is_published_on_this_machine_only(built: Built) -> None:
    (port,) = built.container("proxy")["ports"]
    assert port == {"internal": 80, "ip": "127.0.0.1", "protocol": "tcp"}
    for role in ("database", "erp"):
        assert not built.container(role).get("ports")
        assert not built.container(role).get("publishAllPorts")


def test_a_configured_port_is_published() -> None:
    (port,) = build(settings(httpPort="8069")).container("proxy")["ports"]
    assert port["external"] == 8069


def test_everything_is_labelled(built: Built) -> None:
    assert labels.STACK == LABEL
    for kind in ("Network", "Volume", "Container"):
        for item in built.of(kind).values():
            if item.type.startswith("docker:"):
                found = labels_of(item.inputs)
                assert found["pra.stack"] == STACK, item.name
                assert found["pra.role"], item.name
                expected = BLUEPRINT.generation if kind == "Container" else None
                assert found.get("pra.generation") == expected, item.name


def test_no_name_is_fixed(built: Built) -> None:
    for kind in ("Network", "Volume", "Container"):
        for item in built.of(kind).values():
            assert "name" not in item.inputs and "hostname" not in item.inputs, item.name


@pytest.mark.parametrize("role", SERVERS)
def test_each_server_has_a_health_check(built: Built, role: str) -> None:
    check = built.container(role)["healthcheck"]
    assert check["tests"][0] == "CMD" and len(check["tests"]) > 1
    # Go writes a minute as "1m0s": a duration said otherwise would differ for ever.
    for name in ("interval", "timeout", "startPeriod"):
        assert check[name].endswith("s") and int(check[name][:-1]) < 60


def test_database_and_proxy_are_waited_for(built: Built) -> None:
    for role in ("database", "proxy"):
        assert built.container(role)["wait"] is True
        assert built.container(role)["waitTimeout"] >= 60
    assert HEALTH in built.container("proxy")["healthcheck"]["tests"][-1]


def test_the_erp_is_made_but_not_started(built: Built) -> None:
    erp = built.container("erp")
    assert (erp["start"], erp["mustRun"]) == (False, False)
    assert not erp.get("wait")
    assert erp["user"] == "odoo"
    assert erp["entrypoints"] == ["/usr/bin/odoo"]
    assert erp["volumes"] == [
        {"containerPath": "/var/lib/odoo", "volumeName": f"{STACK}-erp-documents-1a2b3c4"},
        {"containerPath": "/mnt/again", "volumeName": f"{STACK}-erp-documents-1a2b3c4"},
    ]


def test_the_database_sees_the_repository_but_cannot_write(built: Built) -> None:
    mounts = {item["containerPath"]: item for item in built.container("database")["volumes"]}
    assert mounts["/srv/repository"] == {
        "containerPath": "/srv/repository",
        "hostPath": "/project/.pra/repository",
        "readOnly": True,
    }
    assert built.outputs[outputs.REPOSITORY_MOUNT] == "/srv/repository"
    for role in ("erp", "proxy"):
        assert not any("hostPath" in item for item in built.container(role).get("volumes", []))


def test_the_database_sees_one_generation_alone_where_the_stack_says_so() -> None:
    built = build(settings(onlyGeneration="true"))
    held = [item for item in built.container("database")["volumes"] if "hostPath" in item]
    folder = f"repository/generations/{BLUEPRINT.generation}"
    assert held == [
        {
            "containerPath": f"/srv/{folder}",
            "hostPath": f"/project/.pra/{folder}",
            "readOnly": True,
        }
    ]
    # Where the engine looks for the generation is the same.
    assert built.outputs[outputs.REPOSITORY_MOUNT] == "/srv/repository"


def test_each_server_keeps_only_the_rights_that_its_image_needs(built: Built) -> None:
    for role in SERVERS:
        container = built.container(role)
        assert container["securityOpts"] == ["no-new-privileges"]
        assert container["capabilities"]["drops"] == ["ALL"]
        assert not container.get("privileged")
    assert "adds" not in built.container("erp")["capabilities"]
    adds = {
        role: set(built.container(role)["capabilities"]["adds"]) for role in ("database", "proxy")
    }
    assert adds["database"] == {*STEPPING_DOWN}
    assert adds["proxy"] == {*PROXY}


@pytest.mark.parametrize("user", [None, "", "root", "0", "0:0", "root:odoo"])
def test_a_server_that_begins_as_root_can_step_down(user: str | None) -> None:
    server = replace(BLUEPRINT.erp, user=user)
    rooted = build(settings(), replace(BLUEPRINT, erp=server)).container("erp")
    assert set(rooted["capabilities"]["adds"]) == {*STEPPING_DOWN}


def test_no_server_resolves_names_of_the_outside(built: Built) -> None:
    for role in SERVERS:
        container = built.container(role)
        assert container["dns"] == ["127.0.0.1"]
        assert container["dnsOpts"] == ["timeout:1", "attempts:1"]


def test_the_password_is_in_a_file_and_not_in_the_environment(built: Built) -> None:
    database = built.container("database")
    password = built.outputs[outputs.DATABASE_PASSWORD]
    (upload,) = (u for u in database["uploads"] if u["content"] == password)
    assert upload["permissions"] == "0400"
    assert f"POSTGRES_PASSWORD_FILE={upload['file']}" in database["envs"]
    assert not any(password in value for value in database["envs"])
    assert "uploads" in built.of("Container")[f"{STACK}-database"].secret


def test_no_secret_is_registered_in_clear() -> None:
    canaries = {
        "databasePassword": "canary-1",
        "erpPassword": "canary-2",
        "checkPassword": "canary-3",
    }
    built = build(settings(tuple(canaries), **canaries))

    assert built.outputs[outputs.DATABASE_PASSWORD] == "canary-1"
    assert built.outputs[outputs.ERP_ROLE_PASSWORD] == "canary-2"
    assert built.secret >= PASSWORDS
    for item in built.found:
        for name, value in item.inputs.items():
            shown = [canary for canary in canaries.values() if canary in repr(value)]
            assert not shown or name in item.secret, f"{item.name} shows {name}"


def test_configuration_files_are_secret_to_pulumi(built: Built) -> None:
    for role in ("database", "proxy"):
        assert "uploads" in built.of("Container")[f"{STACK}-{role}"].secret


def test_images_are_kept_and_named_by_their_id(built: Built) -> None:
    images = built.of("RemoteImage")
    assert {item.inputs["name"] for item in images.values()} == {
        BLUEPRINT.database.image,
        BLUEPRINT.erp.image,
        BLUEPRINT.proxy_image,
    }
    assert all(item.inputs["keepLocally"] is True for item in images.values())
    assert built.container("erp")["image"] == f"sha256:{BLUEPRINT.erp.image}"


def test_limits_are_given_to_docker() -> None:
    sizes = (
        '{"databaseMemoryMb": 512, "databaseCpus": 1.5, "databaseSharedMemoryMb": 64,'
        ' "erpMemoryMb": 1024}'
    )
    built = build(settings(sizes=sizes))
    database, erp = built.container("database"), built.container("erp")
    assert (database["memory"], database["shmSize"]) == (512, 64)
    assert (database["cpuQuota"], database["cpuPeriod"]) == (150_000, 100_000)
    assert erp["memory"] == 1024 and "cpuQuota" not in erp and "shmSize" not in erp


@pytest.mark.parametrize(("keep", "policy"), [("true", "unless-stopped"), ("false", "no")])
def test_a_kept_environment_comes_back_with_the_engine(keep: str, policy: str) -> None:
    built = build(settings(keep=keep))
    assert {built.container(role)["restart"] for role in SERVERS} == {policy}


def test_an_external_url_is_told_but_not_used_by_this_machine() -> None:
    built = build(settings(externalUrl="https://erp.example.org"))
    assert built.outputs[outputs.EXTERNAL_URL] == "https://erp.example.org"
    assert built.outputs[outputs.ERP_URL] == f"http://127.0.0.1:{PORT}"


def test_the_smallest_subnet_has_room() -> None:
    built = build(settings(subnet="10.20.30.240/28"))
    assert built.outputs[outputs.ERP_ADDRESS] == "10.20.30.243"
    (upload,) = built.container("proxy")["uploads"]
    assert "proxy_pass http://10.20.30.243:8069;" in upload["content"]


def test_a_server_without_files_or_variables_has_none() -> None:
    bare = replace(BLUEPRINT.erp, entrypoint=(), command=(), user=None, mounts=())
    erp = build(settings(), replace(BLUEPRINT, erp=bare)).container("erp")
    assert not {"entrypoints", "command", "user", "uploads", "envs"} & set(erp)


def test_a_proxy_whose_port_is_not_published_is_told() -> None:
    with pytest.raises(RuntimeError, match="no port"):
        published_url([])


PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nMIGH\n-----END PRIVATE KEY-----\n"


def test_a_certificate_makes_the_proxy_speak_https_only() -> None:
    built = build(settings(), replace(BLUEPRINT, certificate=Secret(PEM + KEY)))
    proxy = built.of("Container")[f"{STACK}-proxy"]
    site, pem = proxy.inputs["uploads"]
    assert "listen 443 ssl" in site["content"] and "return 301 https://" in site["content"]
    assert site["content"].count(CERTIFICATE) == 2 and "@" not in site["content"]
    assert (pem["file"], pem["permissions"]) == (CERTIFICATE, "0400")
    assert pem["content"] == PEM + KEY
    assert "uploads" in proxy.secret
    assert [port["internal"] for port in proxy.inputs["ports"]] == [443]
    # Its health does not hang on names or authorities.
    assert f"http://127.0.0.1{HEALTH}" in proxy.inputs["healthcheck"]["tests"][-1]
    environment = environment_from_outputs(built.outputs)
    assert environment.erp.url == f"https://127.0.0.1:{PORT}"
    assert (environment.certificate or "").split() == PEM.split()
    others = [item.inputs for item in built.found if item.name != f"{STACK}-proxy"]
    assert "PRIVATE" not in json.dumps([others, built.outputs])
