"""Drills must run when the outside is gone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator

import pytest

from fixtures.toyerp import PASSWORD, PROFILE
from restore.model.locations import ROOT
from restore.repository.folder import FolderRepository
from tests.support.drill import TIMEOUT, Commands, told

pytestmark = [pytest.mark.docker, pytest.mark.e2e]

GROUP = "54871"
"""A group that nothing else runs under: its packets may go to this machine's own networks only."""

CHAIN = "PRA-TEST-CUT"
OWN_NETWORKS = ("lo", "br-+", "docker0")
LINK = "pra-cut0"
"""A link of this machine's own that leads nowhere, for the probe that must be held back."""


def iptables(*arguments: str, check: bool = True) -> None:
    """Change the rules of this machine's own packets."""
    subprocess.run(["iptables", "--wait", *arguments], check=check, capture_output=True)


@pytest.fixture
def cut() -> Iterator[None]:
    """Whatever runs under ``GROUP`` reaches containers and loopback, and nothing else."""
    link = ["ip", "link", "add", LINK, "type", "veth", "peer", "name", "pra-cut1"]
    subprocess.run(link, check=True, capture_output=True)
    jump = ("OUTPUT", "-m", "owner", "--gid-owner", GROUP, "-j", CHAIN)
    iptables("-N", CHAIN)
    try:
        for change in (("address", "add", "203.0.113.254/24", "dev"), ("link", "set", "up", "dev")):
            subprocess.run(["ip", *change, LINK], check=True, capture_output=True)
        for name in OWN_NETWORKS:
            iptables("-A", CHAIN, "-o", name, "-j", "RETURN")
        iptables("-A", CHAIN, "-j", "REJECT")
        iptables("-I", *jump)
        yield
    finally:
        iptables("-D", *jump, check=False)
        iptables("-F", CHAIN)
        iptables("-X", CHAIN)
        subprocess.run(["ip", "link", "delete", LINK], check=False, capture_output=True)


def rejected() -> int:
    """How many packets the cut has held back."""
    listed = subprocess.run(
        ["iptables", "--wait", "-nvxL", CHAIN], check=True, capture_output=True, text=True
    ).stdout
    (line,) = [line for line in listed.splitlines() if "REJECT" in line]
    return int(line.split()[0])


@pytest.mark.usefixtures("cut")
def test_make_drill_works_with_the_network_cut(
    toy: Commands, toy_repository: FolderRepository
) -> None:
    outside = ["setpriv", "--regid", GROUP, "--clear-groups"]
    probe = "import socket; socket.create_connection(('203.0.113.1', 443), timeout=5)"
    reached = subprocess.run([*outside, "python3", "-c", probe], check=False, capture_output=True)
    assert reached.returncode != 0
    assert rejected() > 0, "the cut doesn't cut"

    done = subprocess.run(
        [
            *outside,
            "make",
            "drill",
            f"REPOSITORY={toy_repository.location}",
            f"DRILL_ARGS=--profile {PROFILE} --reports {toy.reports}",
        ],
        cwd=ROOT,
        env={**os.environ, "PRA_CHECK_PASSWORD": PASSWORD},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )

    assert done.returncode == 0, told(done)
    assert "verdict: pass" in done.stdout
