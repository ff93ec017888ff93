"""The containers that work beside a server's: where they stand, and with which rights."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

from docker.types import Mount

from restore.adapters.docker import rights
from restore.adapters.docker.helpers import HelperOptions, helper
from restore.adapters.docker.runner import LABEL, Runner


class Engine:
    """A Docker engine that holds one container and notes what it is asked to make."""

    def __init__(self, holds: str) -> None:
        self.holds = holds
        self.made: list[dict[str, Any]] = []
        self.removed = 0
        self.containers = self

    def get(self, name: str) -> SimpleNamespace:
        assert name == self.holds
        return SimpleNamespace(id=name, attrs={"Image": "sha256:abc"}, labels={LABEL: "drill"})

    def create(self, image: str, **options: Any) -> SimpleNamespace:
        self.made.append({"image": image, **options})
        return SimpleNamespace(id="helper", remove=self.remove)

    def remove(self, *, force: bool) -> None:
        self.removed += force


def test_a_helper_stands_on_the_engine_of_its_container_with_the_least_rights() -> None:
    here, there = Engine("db"), Engine("erp")
    runner = Runner(cast(Any, here)).reaching({"erp": Runner(cast(Any, there))})

    mount = Mount("/pra-stream", "/tmp/pra-x/stream", "bind", read_only=True)
    with helper(runner, "erp", ("tar", "--extract"), HelperOptions(mounts=(mount,))):
        assert there.removed == 0

    assert here.made == []
    (made,) = there.made
    assert made["image"] == "sha256:abc" and made["volumes_from"] == ["erp"]
    assert (made["entrypoint"], made["command"]) == ("tar", ["--extract"])
    assert made["mounts"] == [mount]
    assert made["network_mode"] == "none" and made["labels"][LABEL] == "drill"
    assert made["cap_drop"] == list(rights.DROPPED) and made["cap_add"] == list(rights.TREE)
    assert made["security_opt"] == list(rights.SECURITY)
    assert there.removed == 1
