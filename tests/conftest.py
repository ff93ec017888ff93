"""What all tests share. Fixtures that need servers are loaded by the folders that use them."""

import signal

import pytest
from hypothesis import settings

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
