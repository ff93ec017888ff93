"""What all tests share. Fixtures that need servers are loaded by the folders that use them."""

import signal
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

from restore.model import locations

# Asserts in what tests share tell their values too.
pytest.register_assert_rewrite("tests.support", "tests.corpus")
pytest_plugins = ["tests.support.repository"]

# Whoever starts the tests in the background has SIGINT ignored, and children inherit that: no
# Ctrl-C that a test sends would arrive.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine under load is no failure.
settings.register_profile("pra", deadline=None)
settings.load_profile("pra")


@pytest.fixture(autouse=True, scope="session")
def _logs_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What runs of the tests' own process log would push the clone's own logs out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(locations, "LOGS", tmp_path_factory.mktemp("logs"))
        yield


DRILLS = 2
"""Whole drills at a time: with more, two cores miss the times that pages may take."""

TOGETHER = {"tests/e2e/test_pgbackrest.py": "tests/e2e/test_foreign.py"}
"""Files whose drills import backups, and look whether an import was left behind."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One worker runs a file, whose tests share fixtures; whole drills fill two workers."""
    drills = Counter(_file(item) for item in items if item.get_closest_marker("e2e"))
    lanes = [0] * DRILLS
    groups = {}
    for file, tests in drills.most_common():
        lane = lanes.index(min(lanes))
        groups[file] = f"drills {lane}"
        lanes[lane] += tests
    for item in items:
        file = _file(item)
        item.add_marker(pytest.mark.xdist_group(groups.get(file, file)))


def _file(item: pytest.Item) -> str:
    file = item.nodeid.partition("::")[0]
    return TOGETHER.get(file, file)
