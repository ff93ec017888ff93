"""The stack's program on Pulumi's mocks: what it would register, and what it would output."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn

import pulumi
import pytest
from pulumi.runtime import mocks as pulumi_mocks
from pulumi.runtime import rpc

from restore.model import Blueprint, Mount, ServerBlueprint, Upload
from stacks import outputs
from stacks.environment import ErpEnvironment, ErpEnvironmentArgs
from stacks.restored import RestoredGeneration, RestoredGenerationArgs
from stacks.settings import Place, Settings, parse

STACK = "drill"
PORT = 32768

BLUEPRINT = Blueprint(
    generation="20261124T060102Z-0a1b2c",
    profile="odoo",
    erp_role="odoo",
    database=ServerBlueprint(
        image="pra/postgresql:13",
        entrypoint=(),
        command=("postgres", "-c", "config_file=/etc/postgresql/postgresql.conf"),
        port=5432,
        health=("pg_isready", "-h", "127.0.0.1"),
        mounts=(Mount("data", "/var/lib/postgresql/data"),),
        uploads=(Upload("/etc/postgresql/postgresql.conf", "port = 5432\n"),),
        environment=("POSTGRES_INITDB_ARGS=--encoding=UTF8",),
    ),
    erp=ServerBlueprint(
        image="pra/odoo:14.0",
        entrypoint=("/usr/bin/odoo",),
        command=("--config=/etc/odoo/odoo.conf",),
        port=8069,
        health=("curl", "-f", "http://127.0.0.1:8069/web/login"),
        mounts=(Mount("documents", "/var/lib/odoo"), Mount("documents", "/mnt/again")),
        user="odoo",
    ),
    proxy_image="pra/nginx:1.18",
)


ANONYMISED = {
    "purpose": "staging",
    "anonymise": "builtin",
    "anonymisationKey": "a key, long enough",
}
"""Settings of a copy that is anonymised."""


@dataclass(frozen=True)
class Registered:
    """A resource as the program registered it; ``inputs`` are plain, secrets unwrapped."""

    type: str
    name: str
    inputs: dict[str, Any]
    secret: frozenset[str]
    """Names of the inputs that are, or hold, a secret."""


@dataclass
class Registry(pulumi_mocks.Mocks):
    """Takes resources as an engine would."""

    found: list[Registered] = field(default_factory=list)

    def new_resource(
        self, args: pulumi_mocks.MockResourceArgs
    ) -> tuple[str | None, dict[str, Any]]:
        inputs = {name: _plain(value) for name, value in args.inputs.items()}
        secret = frozenset(name for name, value in args.inputs.items() if _secret(value))
        self.found.append(Registered(args.typ, args.name, inputs, secret))
        made = dict(inputs)
        if args.typ == "docker:index/remoteImage:RemoteImage":
            made["imageId"] = f"sha256:{inputs['name']}"
        elif args.typ == "docker:index/container:Container":
            made["ports"] = [{"external": PORT, **port} for port in inputs.get("ports", [])]
        elif args.typ.endswith("/pra:Password"):
            made["value"] = inputs.get("given") or f"generated for {args.name}"
            made["revision"] = "1"
        if args.typ.startswith("docker:") and "name" not in made:
            made["name"] = f"{args.name}-1a2b3c4"
        return f"{args.name}-id", made

    def call(self, args: pulumi_mocks.MockCallArgs) -> NoReturn:
        raise AssertionError(f"the program calls {args.token}")


@dataclass(frozen=True)
class Built:
    """What a run of the program registered, and the environment's outputs."""

    found: tuple[Registered, ...]
    outputs: dict[str, Any]
    secret: frozenset[str]

    def of(self, kind: str) -> dict[str, Registered]:
        """Resources of a type, by name; ``kind`` is the type's last part."""
        return {item.name: item for item in self.found if item.type.split(":")[-1] == kind}

    def container(self, role: str) -> dict[str, Any]:
        """The inputs of a server's container."""
        return self.of("Container")[f"{STACK}-{role}"].inputs


def settings(secret: tuple[str, ...] = (), **raw: str) -> Settings:
    """The settings of a stack that replays, with a known subnet."""
    values = {"generation": "latest", "subnet": "10.20.30.0/24", **raw}
    return parse(values, secret, Place(STACK, Path("/project")))


def build(told: Settings, blueprint: Blueprint = BLUEPRINT) -> Built:
    """Run the program on mocks."""
    registry = Registry()
    pulumi_mocks.set_mocks(registry, project="pra", stack=STACK)
    collected: dict[str, Any] = {}
    secret: set[str] = set()

    @pulumi.runtime.test  # type: ignore[untyped-decorator]
    def program() -> pulumi.Output[Any]:
        environment = ErpEnvironment(STACK, ErpEnvironmentArgs(told, blueprint))
        if told.replay:
            RestoredGeneration(
                f"{STACK}-generation",
                RestoredGenerationArgs(told, blueprint.generation, environment.outputs),
            )
        every = {name: pulumi.Output.from_input(v) for name, v in environment.outputs.items()}

        async def look() -> None:
            for name, output in every.items():
                collected[name] = await output.future()
                if await output.is_secret():
                    secret.add(name)

        return pulumi.Output.from_input(asyncio.ensure_future(look()))

    program()
    return Built(tuple(registry.found), collected, frozenset(secret))


def _secret(value: Any) -> bool:
    if rpc.is_rpc_secret(value):
        return True
    if isinstance(value, dict):
        return any(_secret(item) for item in value.values())
    return isinstance(value, list) and any(_secret(item) for item in value)


def _plain(value: Any) -> Any:
    if rpc.is_rpc_secret(value):
        return _plain(rpc.unwrap_rpc_secret(value))
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def built() -> Iterator[Built]:
    """The default environment."""
    yield build(settings())


__all__ = ["BLUEPRINT", "PORT", "STACK", "Built", "build", "outputs", "replace", "settings"]
