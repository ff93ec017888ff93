"""A rebuilt environment, read from its stack's outputs."""

from collections.abc import Mapping
from typing import Any

from restore.errors import EnvironmentFailure
from restore.model import DatabaseServer, Environment, ErpServer, Purpose, Relay
from restore.model.secret import Secret
from stacks import outputs as names


def environment_from_outputs(outputs: Mapping[str, Any]) -> Environment:
    """Build the engine's view of an environment from stack outputs, all at once.

    The reports server's half stands under its own output, in the same words.

    Raises:
        EnvironmentFailure: outputs are missing; names each.
    """
    reports = outputs.get(names.REPORTS)
    if missing := [name for name in names.ENVIRONMENT if outputs.get(name) in (None, "")]:
        raise EnvironmentFailure(
            f"the stack has no output {', '.join(missing)}",
            "has it been created? run 'pulumi up' first",
        )
    return Environment(
        stack=str(outputs[names.STACK]),
        network=str(outputs[names.NETWORK]),
        database=DatabaseServer(
            container=str(outputs[names.DATABASE_CONTAINER]),
            address=str(outputs[names.DATABASE_ADDRESS]),
            port=int(outputs[names.DATABASE_PORT]),
            superuser=str(outputs[names.DATABASE_SUPERUSER]),
            password=Secret(str(outputs[names.DATABASE_PASSWORD])),
            erp_role=str(outputs[names.ERP_ROLE]),
            erp_password=Secret(str(outputs[names.ERP_ROLE_PASSWORD])),
            repository=str(outputs[names.REPOSITORY_MOUNT]),
            host=outputs.get(names.DATABASE_HOST),
        ),
        erp=ErpServer(
            container=str(outputs[names.ERP_CONTAINER]),
            address=str(outputs[names.ERP_ADDRESS]),
            port=int(outputs[names.ERP_PORT]),
            url=str(outputs[names.ERP_URL]),
            host=outputs.get(names.ERP_HOST),
            relay=_relay(outputs.get(names.RELAY)),
        ),
        external_url=str(outputs[names.EXTERNAL_URL]),
        reports=environment_from_outputs(reports) if reports else None,
        proxy=_optional(outputs, names.PROXY_CONTAINER),
        certificate=_optional(outputs, names.CERTIFICATE),
        purpose=Purpose(outputs.get(names.PURPOSE) or Purpose.RECOVERY),
        anonymised=bool(outputs.get(names.ANONYMISED)),
    )


def _optional(outputs: Mapping[str, Any], name: str) -> str | None:
    """An output that not every stack has; one of an older engine hasn't."""
    value = outputs.get(name)
    return str(value) if value else None


def _relay(output: Mapping[str, Any] | None) -> Relay | None:
    if output is None:
        return None
    address, port = str(output["address"]), int(output["port"])
    return Relay(str(output["host"]), str(output["container"]), address, port)
