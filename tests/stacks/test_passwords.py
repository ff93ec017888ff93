"""Passwords: kept or generated, and what tells of their change."""

from __future__ import annotations

from typing import Any

from stacks.secrets import Passwords


def outs(result: Any) -> dict[str, Any]:
    assert result.outs is not None
    return dict(result.outs)


def test_a_password_is_generated_once() -> None:
    first = outs(Passwords().create({"given": None}))
    other = outs(Passwords().create({}))

    assert len(first["value"]) >= 32
    assert first["value"] != other["value"]
    assert Passwords().diff("id", first, {"given": None}).changes is False
    assert outs(Passwords().update("id", first, {"given": None})) == first


def test_a_given_password_is_kept() -> None:
    made = outs(Passwords().create({"given": "sesame"}))
    assert made["value"] == "sesame"
    assert made["value"] not in made["revision"]


def test_another_password_has_another_revision() -> None:
    made = outs(Passwords().create({"given": "sesame"}))
    assert Passwords().diff("id", made, {"given": "other"}).changes is True

    changed = outs(Passwords().update("id", made, {"given": "other"}))

    assert changed["value"] == "other"
    assert changed["revision"] != made["revision"]


def test_a_password_that_is_no_longer_given_stays() -> None:
    made = outs(Passwords().create({"given": "sesame"}))
    kept = outs(Passwords().update("id", made, {"given": None}))
    assert (kept["value"], kept["revision"]) == ("sesame", made["revision"])


def test_a_generated_password_that_is_then_given_alike_has_not_changed() -> None:
    made = outs(Passwords().create({}))
    given = outs(Passwords().update("id", made, {"given": made["value"]}))
    assert given["revision"] == made["revision"]
