"""What of production's configuration must not go into a copy, and the proof that it did not."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from restore.checks import passwords
from restore.checks.neutralised import neutralised_checks
from restore.model import CheckResult, CheckStatus, Purpose, Role
from restore.model.secret import Secret
from restore.plan.configuration.files import ConfigurationText, Target, placeholders, reconcile
from restore.plan.neutralise import for_copies
from restore.profile import Profile, load_profile, profile_names

TARGET = Target("10.128.0.2", 5432, "erp", Secret("made by the stack"), "http://127.0.0.1:18069")
MASTER = ("admin_passwd", "session/super_pwd")
"""What whoever knows it may drop, dump and replace databases with."""


def production(profile: Profile) -> str:
    """The ERP's configuration file as production has it: a value for each of its secrets."""
    (file,) = profile.configuration_of(Role.ERP)
    keys = tuple((key, f"production's own {key}") for key in file.secrets)
    return reconcile("", replace(file, set=keys), {}).text


def laid(profile: Profile) -> str:
    """The same file as a copy gets it."""
    (file,) = for_copies(profile).configuration_of(Role.ERP)
    return reconcile(production(profile), file, placeholders(TARGET, ("erp",))).text


def check(profile: Profile, text: str, monkeypatch: pytest.MonkeyPatch) -> CheckResult:
    (file,) = profile.configuration_of(Role.ERP)
    captured = ConfigurationText(file.name, Role.ERP, "x", production(profile))
    monkeypatch.setattr(passwords, "configuration_texts", lambda *_: (captured,))
    server = SimpleNamespace(
        address=TARGET.database_address,
        port=TARGET.database_port,
        erp_role=TARGET.erp_role,
        erp_password=TARGET.erp_password,
    )
    context: Any = SimpleNamespace(
        purpose=Purpose.STAGING,
        profile=replace(profile, neutralisation=_only_files(profile)),
        environment=SimpleNamespace(
            erp=SimpleNamespace(container="erp"),
            database=server,
            external_url=TARGET.external_url,
            reports=None,
        ),
        runner=SimpleNamespace(read_file=lambda *_: text.encode()),
        databases=("erp",),
        repository=None,
        generation=None,
    )
    found = {one.id: one for one in neutralised_checks(context, ())}
    return found["neutralised.configuration"]


def _only_files(profile: Profile) -> Any:
    assert profile.neutralisation is not None
    return replace(profile.neutralisation, rules=(), banner=None)


@pytest.mark.parametrize("name", profile_names())
def test_no_secret_of_productions_file_is_left_in_a_copys(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = load_profile(name)
    text = laid(profile)
    assert "production's own" not in text
    assert check(profile, text, monkeypatch).status is CheckStatus.PASSED


@pytest.mark.parametrize("name", profile_names())
def test_the_proof_misses_a_master_password_that_was_not_replaced(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the rule left out, the proof looks for it all the same."""
    profile = load_profile(name)
    rules = profile.neutralisation
    assert rules is not None
    (file,) = profile.configuration_of(Role.ERP)
    (key,) = set(file.secrets) & set(MASTER)
    kept = tuple(
        (where, tuple(item for item in keys if item[0] != key))
        for where, keys in rules.configuration
    )
    without = replace(profile, neutralisation=replace(rules, configuration=kept))
    found = check(without, laid(without), monkeypatch)
    assert found.status is CheckStatus.FAILED
    assert found.details == (f"{file.name}: {key} is a secret of production's",)
    nothing = replace(profile, neutralisation=replace(rules, configuration=()))
    assert f"{file.name}: {key} is a secret of production's" in (
        check(nothing, laid(nothing), monkeypatch).details
    )


def test_the_databases_of_a_copy_are_neither_listed_nor_managed() -> None:
    for name in ("odoo", "odoo19", "openerp", "openprod"):
        (file,) = for_copies(load_profile(name)).configuration_of(Role.ERP)
        assert dict(file.set)["list_db"] == "False"


def test_an_own_secret_is_each_environments_own_and_tells_no_password() -> None:
    def own(password: str) -> Any:
        values = placeholders(replace(TARGET, erp_password=Secret(password)), ("erp",))
        return values["own_secret"]

    assert own("one") == own("one") != own("other")
    assert isinstance(own("one"), Secret) and "one" not in own("one").reveal()
