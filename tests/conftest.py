"""Fixtures live in plug-ins, one file a subject."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from restore.model import locations

pytest_plugins = [
    "tests.support.repository",
    "tests.support.production",
    "tests.support.openprod",
    "tests.support.servers",
    "tests.support.drill",
    "tests.support.prerequisites",
    "tests.support.foreign",
    "tests.support.pgbackrest",
    "tests.support.tryton",
    "tests.support.hosts",
    "tests.support.upgrade",
]

# Whoever starts the tests in the background has SIGINT ignored, and children inherit that: no
# Ctrl-C that a test sends would arrive.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine under load is no failure.
settings.register_profile("pra", deadline=None)
settings.load_profile("pra")


@pytest.fixture(autouse=True, scope="session")
def _logs_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What runs of the tests' own process log is none of this clone's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(locations, "LOGS", tmp_path_factory.mktemp("logs"))
        yield
