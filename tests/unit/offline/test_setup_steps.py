"""The steps of set-up: what is in place is left alone, what is missing is made, in order."""

from __future__ import annotations

import io
import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from offline import steps
from offline.host import Command, Host, SetupError
from offline.paths import Places, places
from offline.steps import Board, Component, Planned, do_all

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True)
class FakeStep:
    """A step whose thing is there once it was made; `error` is raised instead of making it."""

    name: str
    there: bool = False
    error: Exception | None = None
    made: int = 0
    took: float = 0.0
    order: list[str] = field(default_factory=list)

    def probe(self, host: Host) -> list[Component] | None:
        return [Component(self.name, "1", "fake", "/x")] if self.there else None

    def make(self, host: Host) -> list[Component]:
        if self.error:
            raise self.error
        time.sleep(self.took)
        self.made += 1
        self.there = True
        self.order.append(self.name)
        return self.probe(host) or []


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(Places(tmp_path / "tree", tmp_path / "cache"), {"PATH": "/usr/bin:/bin"})


def board(host: Host) -> Board:
    return Board(host, io.StringIO())


def test_a_second_run_makes_nothing(host: Host) -> None:
    there, missing = FakeStep("there", there=True), FakeStep("missing")
    planned = [Planned(there), Planned(missing)]

    first = do_all(planned, host, board(host))
    second = do_all(planned, host, board(host))

    assert [outcome.made for outcome in first] == [False, True]
    assert [outcome.made for outcome in second] == [False, False]
    assert (there.made, missing.made) == (0, 1)


def test_a_step_waits_for_those_it_needs(host: Host) -> None:
    order: list[str] = []
    slow = FakeStep("slow", took=0.1, order=order)
    after = FakeStep("after", order=order)

    do_all([Planned(slow), Planned(after, ("slow",))], host, board(host))

    assert order == ["slow", "after"]


def test_steps_that_need_nothing_run_side_by_side(host: Host) -> None:
    meeting = threading.Barrier(2, timeout=5)

    class Meets(FakeStep):
        def make(self, host: Host) -> list[Component]:
            meeting.wait()
            return []

    outcomes = do_all([Planned(Meets("a")), Planned(Meets("b"))], host, board(host))

    assert all(outcome.error is None for outcome in outcomes)


def test_a_failure_keeps_only_those_from_running_that_need_it(host: Host) -> None:
    bad = FakeStep("bad", error=SetupError("broken", hint="mend it"))
    needs, other = FakeStep("needs"), FakeStep("other")
    out = board(host)

    outcomes = do_all([Planned(bad), Planned(needs, ("bad",)), Planned(other)], host, out)

    assert [str(o.error) if o.error else "" for o in outcomes] == [
        "broken\nwhat to do: mend it",
        "not tried: it needs bad",
        "",
    ]
    assert (needs.made, other.made) == (0, 1)
    assert "[FAIL] bad" in out.out.getvalue()  # type: ignore[attr-defined]


def test_a_full_disk_is_told_like_any_other_failure(host: Host) -> None:
    full = FakeStep("full", error=OSError(28, "No space left on device"))

    (outcome,) = do_all([Planned(full)], host, board(host))

    assert "No space left" in str(outcome.error)


def test_a_step_that_lasts_shows_progress(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "SHOW_AFTER", 0.02)
    monkeypatch.setattr(steps, "TICK_PLAIN", 0.05)
    out = board(host)

    class Lasts(FakeStep):
        def make(self, host: Host) -> list[Component]:
            host.say("doing the long part")
            time.sleep(0.2)
            return []

    do_all([Planned(Lasts("long")), Planned(FakeStep("short"))], host, out)

    text = out.out.getvalue()  # type: ignore[attr-defined]
    assert "... long 0 s (doing the long part)" in text
    assert "... short" not in text


def test_a_failed_program_names_its_log_and_shows_its_end(host: Host) -> None:
    with pytest.raises(SetupError) as caught:
        host.run(Command(["sh", "-c", "echo first; echo the reason >&2; exit 3"], "x", hint="do y"))

    text = str(caught.value)
    assert "sh failed (exit 3)" in text
    assert "what to do: do y" in text
    assert f"log: {host.places.logs / 'setup-x.log'}" in text
    assert "| the reason" in text


def test_a_program_that_lasts_too_long_or_is_not_there_is_an_error(host: Host) -> None:
    with pytest.raises(SetupError, match="sleep took more than 0 s"):
        host.run(Command(["sleep", "5"], "x", timeout=0.05))
    with pytest.raises(SetupError, match="cannot be run"):
        host.run(Command(["/nowhere/at-all"], "x"))


def test_a_site_that_did_not_answer_is_left_alone_for_a_day(host: Host) -> None:
    assert host.may_download("site")
    host.remember_unreachable("site", "no route")
    assert not host.may_download("site")

    stamp = host.places.downloads / "site"
    old = time.time() - 25 * 3600
    os.utime(stamp, (old, old))
    assert host.may_download("site")


def test_a_retry_can_be_asked_for(host: Host) -> None:
    host.remember_unreachable("site", "no route")
    asked = Host(host.places, {"PRA_RETRY_DOWNLOADS": "1"})
    assert asked.may_download("site")


def test_packages_that_cannot_be_installed_say_how_to(
    host: Host, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "apt-get").write_text("#!/bin/sh\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setattr(Host, "is_root", lambda self: False)
    debian = Host(host.places, {"PATH": str(tmp_path)})
    with pytest.raises(SetupError, match="as root: apt-get update; apt-get install"):
        raise_with_hint(debian)
    other = Host(host.places, {"PATH": str(tmp_path / "empty")})
    with pytest.raises(SetupError, match="not a Debian-like system"):
        raise_with_hint(other)


def raise_with_hint(host: Host) -> None:
    try:
        host.apt_install(["docker.io"], log="x")
    except SetupError as error:
        raise SetupError(str(error)) from error


def test_the_index_of_packages_is_fetched_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Host, "is_root", lambda self: True)
    script = tmp_path / "apt-get"
    script.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/calls\n')
    script.chmod(0o755)
    host = Host(Places(tmp_path, tmp_path), {"PATH": f"{tmp_path}:/usr/bin:/bin"})

    host.apt_install(["a"], log="x")
    host.apt_install(["b", "c"], log="x")

    assert (tmp_path / "calls").read_text().splitlines() == [
        "update",
        "install -y --no-install-recommends a",
        "install -y --no-install-recommends b c",
    ]


@pytest.mark.parametrize(
    ("environ", "cache"),
    [
        ({"PRA_CACHE": "/c", "XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/c"),
        ({"XDG_CACHE_HOME": "/x", "HOME": "/h"}, "/x/pra"),
        ({"HOME": "/h"}, "/h/.cache/pra"),
    ],
)
def test_the_cache_lies_outside_the_tree(
    environ: dict[str, str], cache: str, tmp_path: Path
) -> None:
    assert str(places(tmp_path, environ).cache) == cache
