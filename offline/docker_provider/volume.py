"""docker:index/volume:Volume"""

from __future__ import annotations

from functools import partial
from typing import Any

from .errors import DOCKER_ERRORS, failed
from .resource import Context, Created, Resource, look_up, remove_when_free
from .schema import ResourceSpec, labels, labels_from_docker, labels_to_docker, string, string_map
from .values import Props

_REMOVE_SECONDS = 30

SPEC = ResourceSpec(
    token="docker:index/volume:Volume",  # noqa: S106 - a resource type's token
    props={
        "driver": string(computed=True),
        "driverOpts": string_map(),
        "labels": labels(),
        "name": string(),
    },
    refused=("cluster",),
    outputs=("mountpoint",),
    autonamed=True,
)


class Volume(Resource):
    """A Docker volume. Its identity is its name.

    As upstream, a volume of that name which exists already is taken over: Docker says nothing.
    """

    spec = SPEC

    def create(self, context: Context, inputs: Props) -> Created:
        """Create it, and read back what Docker chose."""
        name = inputs["name"]
        try:
            context.client.create_volume(
                name,
                driver=inputs.get("driver"),
                driver_opts=inputs.get("driverOpts"),
                labels=labels_to_docker(inputs.get("labels")),
            )
        except DOCKER_ERRORS as error:
            raise failed(f"create volume {name}", error) from error
        return self.read_made(context, name, inputs)

    def read(self, context: Context, identity: str, state: Props) -> Created | None:
        """Its outputs now, or None when it's gone."""
        volume = look_up(context.client.inspect_volume, identity, f"read volume {identity}")
        return None if volume is None else Created(volume["Name"], {**state, **_outputs(volume)})

    def delete(self, context: Context, identity: str, state: Props) -> None:
        """Remove it, waiting up to 30 s for containers that are just going."""
        # A container that runs won't let go by itself: no use waiting long for it.
        running = _containers(context, identity, status="running")
        error = remove_when_free(
            context,
            partial(context.client.remove_volume, identity, force=True),
            f"remove volume {identity}",
            "volume is in use",
            3 if running else _REMOVE_SECONDS,
        )
        if error is not None:
            users = ", ".join(_containers(context, identity)) or "the containers that use it"
            raise failed(f"remove volume {identity}", error, f"remove {users} first")


def _outputs(volume: dict[str, Any]) -> Props:
    return {
        "driver": volume["Driver"],
        "driverOpts": volume.get("Options") or {},
        "labels": labels_from_docker(volume.get("Labels")),
        "mountpoint": volume["Mountpoint"],
        "name": volume["Name"],
    }


def _containers(context: Context, volume: str, status: str | None = None) -> list[str]:
    filters = {"volume": volume} | ({"status": status} if status else {})
    try:
        found = context.client.containers(all=True, filters=filters)
    except DOCKER_ERRORS:
        return []
    return sorted(f"container {item['Names'][0].lstrip('/')}" for item in found if item["Names"])
