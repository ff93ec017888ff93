"""Fixtures live in plug-ins, one file a subject."""

import signal

from hypothesis import settings

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
