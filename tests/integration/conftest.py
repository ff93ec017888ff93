"""Real servers, the captured productions, and commands that run on them."""

from tests.support.drill import commands, stack
from tests.support.production import (
    docker_runner,
    private_production,
    production_generation,
    production_repository,
)
from tests.support.servers import (
    clean_lab,
    database_lab,
    erp_container,
    odoo_profile,
    scene,
    scene_of,
    source,
)
from tests.support.tryton import tryton_repository

__all__ = [
    "clean_lab",
    "commands",
    "database_lab",
    "docker_runner",
    "erp_container",
    "odoo_profile",
    "private_production",
    "production_generation",
    "production_repository",
    "scene",
    "scene_of",
    "source",
    "stack",
    "tryton_repository",
]
