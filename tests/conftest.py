"""What all tests share. Fixtures that need servers are loaded by the folders that use them."""

import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from restore.model import locations, secret

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


@pytest.fixture(autouse=True)
def _secrets_apart() -> Iterator[None]:
    """What one test calls a secret, "erp" for example, is not masked in the next one's texts."""
    known = set(secret._KNOWN)
    yield
    secret._KNOWN.intersection_update(known)
