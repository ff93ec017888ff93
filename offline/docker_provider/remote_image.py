"""docker:index/remoteImage:RemoteImage"""

from __future__ import annotations

from typing import Any

from docker import APIClient
from docker import errors as docker_errors

from .errors import DOCKER_ERRORS, ProviderError, daemon_message, failed
from .resource import Context, Created, Resource, known_inputs, look_up
from .schema import ResourceSpec, boolean, string
from .values import Props

SPEC = ResourceSpec(
    token="docker:index/remoteImage:RemoteImage",  # noqa: S106 - a resource type's token
    props={
        "keepLocally": boolean(replaces=False),
        "name": string(required=True),
    },
    refused=("build", "forceRemove", "platform", "pullTriggers", "triggers"),
    outputs=("imageId", "repoDigest"),
    autonamed=False,
)


class RemoteImage(Resource):
    """An image on the Docker engine, pulled when it isn't there.

    Its identity is the image's ID followed by its name, as upstream.
    """

    spec = SPEC

    def create(self, context: Context, inputs: Props) -> Created:
        """Find the image, or pull it."""
        image = find_or_pull(context.client, inputs["name"])
        return _created(image, known_inputs(inputs))

    def read(self, context: Context, identity: str, state: Props) -> Created | None:
        """Its outputs now, or None when no image has that name any more."""
        name = state.get("name") or _name_of(identity)
        image = find(context.client, name)
        return None if image is None else _created(image, {**state, "name": name})

    def update(self, context: Context, identity: str, state: Props, news: Props) -> Props:
        """Keep new settings; pull the image again if it went missing."""
        return _created(find_or_pull(context.client, news["name"]), known_inputs(news)).outputs

    def delete(self, context: Context, identity: str, state: Props) -> None:
        """Remove the image unless `keepLocally`; that it's gone already is success."""
        name = state.get("name") or _name_of(identity)
        if state.get("keepLocally"):
            return
        try:
            context.client.remove_image(name)
        except docker_errors.NotFound:
            return
        except DOCKER_ERRORS as error:
            hint = "remove the containers that use it, or set keepLocally"
            raise failed(f"remove image {name}", error, hint) from error


def find(client: APIClient, name: str) -> dict[str, Any] | None:
    """What Docker knows of a local image by name or ID, or None when it isn't there."""
    return look_up(client.inspect_image, name, f"look for image {name}")


def find_or_pull(client: APIClient, name: str) -> dict[str, Any]:
    """A local image, else one pulled from its registry.

    Raises ProviderError when it isn't there and can't be pulled.
    """
    image = find(client, name)
    if image is not None:
        return image
    try:
        # Without a tag the SDK would pull every one that the repository has.
        has_tag = "@" in name or ":" in name.rsplit("/", 1)[-1]
        client.pull(name, tag=None if has_tag else "latest")
    except DOCKER_ERRORS as error:
        raise ProviderError(
            f"image {name} isn't there and can't be pulled: {daemon_message(error)}",
            "build or load it (`docker build -t`, `docker load`), or check name and network",
        ) from error
    image = find(client, name)
    if image is None:
        raise ProviderError(f"image {name} was pulled but isn't there", "check its name and tag")
    return image


def _name_of(identity: str) -> str:
    # sha256:<64 hexadecimal digits><name>
    prefix = len("sha256:") + 64
    return identity[prefix:] if identity.startswith("sha256:") and identity[prefix:] else identity


def _created(image: dict[str, Any], state: Props) -> Created:
    name = state["name"]
    outputs = {
        **state,
        "imageId": image["Id"],
        "repoDigest": _repo_digest(name, image.get("RepoDigests") or []),
    }
    return Created(image["Id"] + name, outputs)


def _repo_digest(name: str, digests: list[str]) -> str:
    """The digest that goes with the name: a locally built image has none, and gets ''."""
    if not digests:
        return ""
    bare = name.split(":", 1)[0]
    return next((digest for digest in digests if digest.startswith(bare)), digests[0])
