"""Commands as a user runs them, and the captured productions that they restore."""

from tests.support.drill import commands, stack
from tests.support.foreign import foreign_backups
from tests.support.hosts import two_hosts
from tests.support.openprod import openprod_repository
from tests.support.pgbackrest import physical_backups
from tests.support.production import (
    docker_runner,
    private_production,
    production_generation,
    production_repository,
)
from tests.support.toyerp import private_toy, toy, toy_repository
from tests.support.tryton import private_tryton, tryton_commands, tryton_repository
from tests.support.upgrade import two_databases, upgrade_repository

__all__ = [
    "commands",
    "docker_runner",
    "foreign_backups",
    "openprod_repository",
    "physical_backups",
    "private_production",
    "private_toy",
    "private_tryton",
    "production_generation",
    "production_repository",
    "stack",
    "toy",
    "toy_repository",
    "tryton_commands",
    "tryton_repository",
    "two_databases",
    "two_hosts",
    "upgrade_repository",
]
