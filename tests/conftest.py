"""Fixtures live in plug-ins, one file a subject."""

pytest_plugins = [
    "tests.fix_repository",
    "tests.fix_production",
    "tests.fix_servers",
    "tests.fix_drill",
]
