"""Fixtures live in plug-ins, one file a subject."""

import signal

from hypothesis import settings

pytest_plugins = [
    "tests.fix_repository",
    "tests.fix_production",
    "tests.fix_openprod",
    "tests.fix_servers",
    "tests.fix_drill",
    "tests.fix_prerequisites",
    "tests.fix_foreign",
    "tests.fix_pgbackrest",
    "tests.fix_tryton",
    "tests.fix_hosts",
    "tests.fix_upgrade",
]

# Whoever starts the tests in the background has SIGINT ignored, and children inherit that: no
# Ctrl-C that a test sends would arrive.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A machine under load is no failure.
settings.register_profile("pra", deadline=None)
settings.load_profile("pra")
