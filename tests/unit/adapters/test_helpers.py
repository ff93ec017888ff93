"""The containers that work beside a server's: where they stand, and with which rights."""

from __future__ import annotations

from docker.types import Mount

from restore.adapters.docker import rights
from restore.adapters.docker.helpers import HelperOptions, helper
from restore.adapters.docker.runner import LABEL
from tests.support.fake_docker import FakeEngine


def test_a_helper_stands_on_the_engine_of_its_container_with_the_least_rights() -> None:
    here, there = FakeEngine(), FakeEngine()
    here.add("db")
    there.add("erp", labels={LABEL: "drill"})
    runner = here.runner.reaching({"erp": there.runner})

    mount = Mount("/pra-stream", "/tmp/pra-x/stream", "bind", read_only=True)
    with helper(runner, "erp", ("tar", "--extract"), HelperOptions(mounts=(mount,))):
        assert len(there.all) == 2

    assert here.made == []
    (made,) = there.made
    options = made.options
    assert options["image"] == "sha256:abc" and options["volumes_from"] == ["erp"]
    assert (options["entrypoint"], options["command"]) == ("tar", ["--extract"])
    assert options["mounts"] == [mount]
    assert options["network_mode"] == "none" and made.labels[LABEL] == "drill"
    assert options["cap_drop"] == list(rights.DROPPED) and options["cap_add"] == list(rights.TREE)
    assert options["security_opt"] == list(rights.SECURITY)
    assert list(there.all) == ["erp"]
