"""What the steps do when a server is not as the plan believes, without any server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from restore.adapters.docker.tar import Owner
from restore.context import ReplayContext
from restore.errors import ReplayError
from restore.model import Generation, Step, StepKind
from restore.profile import load_profile
from restore.replay.steps.documents import promote_documents, restore_documents
from restore.replay.steps.servers import owner_of, restore_configuration, stop_erp
from restore.repository.folder import FolderRepository
from tests.support.fake_docker import Answer, Call, FakeEngine

PASSWD = b"root:x:0:0::/root:/bin/sh\nodd\nodoo:x:101:102::/var/lib/odoo:/bin/false\n"
PROMOTION = Step(
    "promote-documents:t:db", StepKind.PROMOTE_DOCUMENTS, "", "/v/docs/db", staging="/v/docs/.new"
)


class Erp(FakeEngine):
    """An ERP beside whose documents commands move names; ``refuse`` is one that fails."""

    def __init__(self, names: set[str], refuse: tuple[str, ...] = ()) -> None:
        super().__init__(self._move)
        self.names, self.refuse = names, refuse
        files = {"/etc/passwd": PASSWD}
        self.add("erp", {"Mounts": [{"Destination": "/v"}]}, files=files)

    def _move(self, call: Call) -> Answer | str:
        if call.argv == self.refuse:
            return Answer(exit_code=1)
        last = [path.rpartition("/")[2] for path in call.argv[-2:]]
        if call.argv[0] == "mv":
            self.names.remove(last[0])
            self.names.add(last[1])
        elif call.argv[0] == "rm":
            self.names.discard(last[1])
        elif call.argv[0] == "find":
            return "".join(f"{name}\n" for name in sorted(self.names))
        return ""


@pytest.fixture
def context_of(
    small_generation: Generation, repository: FolderRepository
) -> Callable[[Erp], ReplayContext]:
    environment = SimpleNamespace(erp=SimpleNamespace(container="erp"))

    def make(engine: Erp) -> ReplayContext:
        return ReplayContext(
            runner=engine.runner,
            environment=cast(Any, environment),
            repository=repository,
            generation=small_generation,
            profile=load_profile("odoo"),
            now=cast(Any, None),
        )

    return make


Make = Callable[[Erp], ReplayContext]


def test_documents_take_the_place_of_the_old_ones(context_of: Make) -> None:
    erp = Erp({"db", ".new", ".db.pra-old", "other"})

    promote_documents(context_of(erp), PROMOTION)

    assert erp.names == {"db", "other"}


def test_the_old_documents_come_back_when_the_new_ones_cannot_be_moved(context_of: Make) -> None:
    erp = Erp({"db", ".new"}, refuse=("mv", "-T", "--", "/v/docs/.new", "/v/docs/db"))

    with pytest.raises(ReplayError, match="mv exited with 1"):
        promote_documents(context_of(erp), PROMOTION)

    assert erp.names == {"db", ".new"}


@pytest.mark.parametrize(
    ("user", "owner"),
    [("odoo", Owner(101, 102)), ("root", Owner(0, 0)), ("1000", Owner(1000, 1000))],
)
def test_users_are_those_of_the_image(context_of: Make, user: str, owner: Owner) -> None:
    assert owner_of(context_of(Erp(set())), user) == owner


def test_an_unknown_user_is_told(context_of: Make) -> None:
    with pytest.raises(ReplayError, match="has no user nobody"):
        owner_of(context_of(Erp(set())), "nobody")


def test_an_erp_that_does_not_stop_is_told(
    context_of: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    erp = Erp(set())
    monkeypatch.setattr(erp.all["erp"], "stop", lambda **_grace: None)
    with pytest.raises(ReplayError, match="is still running"):
        stop_erp(context_of(erp), PROMOTION)


def test_configuration_must_be_one_of_the_profile_and_of_the_generation(context_of: Make) -> None:
    context = context_of(Erp(set()))
    step = Step("c", StepKind.CONFIGURATION, "", "/etc/other.conf")

    with pytest.raises(ReplayError, match=r"knows no configuration file at /etc/other\.conf"):
        restore_configuration(context, step)


def test_documents_must_be_some_of_the_generation(context_of: Make) -> None:
    erp = Erp(set())
    step = replace(PROMOTION, source="documents/filestore/nowhere")

    with pytest.raises(ReplayError, match="holds no documents in documents/filestore/nowhere"):
        restore_documents(context_of(erp), step)


def test_a_database_that_the_generation_does_not_know_is_a_bug(context_of: Make) -> None:
    with pytest.raises(KeyError):
        context_of(Erp(set())).facts_of("nowhere")
