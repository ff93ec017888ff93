"""The life of a container: create, read, update, delete."""

from __future__ import annotations

import io
import tarfile
import time

from docker import errors as docker_errors

from ..errors import DOCKER_ERRORS, ProviderError, daemon_message, failed
from ..remote_image import find, find_or_pull
from ..resource import Context, Created, Resource, known_inputs, look_up
from ..values import Props
from .inputs import SPEC, UPDATED_IN_PLACE
from .running import start
from .wire import create_body, outputs, update_arguments

_REMOVAL_SECONDS = 60


class Container(Resource):
    """A Docker container. Its identity is the container's full ID."""

    spec = SPEC

    def create(self, context: Context, inputs: Props) -> Created:
        """Create it, join it to its networks, put files in, start it, wait.

        A container that fails on the way is removed: the next `pulumi up` starts afresh.
        """
        name = inputs["name"]
        find_or_pull(context.client, inputs["image"])
        try:
            made = context.client.create_container_from_config(  # type: ignore[no-untyped-call]
                create_body(inputs), name
            )
        except DOCKER_ERRORS as error:
            raise failed(f"create container {name}", error) from error
        identity: str = made["Id"]
        try:
            _join_networks(context, identity, inputs)
            _upload(context, identity, inputs)
            if inputs.get("start", True):
                start(context, identity, inputs)
            return self.read_made(context, identity, inputs)
        except BaseException:
            _remove(context, identity, inputs, force_only=True)
            raise

    def read(self, context: Context, identity: str, state: Props) -> Created | None:
        """Its outputs now, or None when it's gone. One that the stack didn't make is refused."""
        if not state:
            raise ProviderError(
                f"container {identity} can't be imported by the offline plug-in",
                "the official plug-in can",
            )
        found = look_up(context.client.inspect_container, identity, f"read container {identity}")
        return None if found is None else Created(found["Id"], outputs(found, state))

    def update(self, context: Context, identity: str, state: Props, news: Props) -> Props:
        """Change limits and restart policy in place; start it when it must run and doesn't."""
        if any(state.get(name) != news.get(name) for name in UPDATED_IN_PLACE):
            try:
                context.client.update_container(identity, **update_arguments(news))
            except DOCKER_ERRORS as error:
                raise failed(f"update container {news['name']}", error) from error
        kept = {name: state[name] for name in SPEC.outputs if name in state}
        known = {**known_inputs(news), **kept}
        now = self.read(context, identity, known)
        if now is None:
            name = news["name"]
            raise ProviderError(f"container {name} is gone", "run `pulumi refresh`, then again")
        stopped = now.outputs.get("exitCode") is not None
        idle = stopped or not state.get("start", True)
        if idle and news.get("start", True) and news.get("mustRun", True):
            start(context, identity, news)
            now = self.read(context, identity, known)
        return now.outputs if now else known

    def delete(self, context: Context, identity: str, state: Props) -> None:
        """Stop it (`destroyGraceSeconds`) and remove it; that it's gone already is success."""
        _remove(context, identity, state)

    def normalise(self, context: Context, state: Props, old_inputs: Props, news: Props) -> Props:
        """`news` with the image's ID in place of its name, since the state holds the ID.

        So a name that now stands for another image is a change, and a mere other name isn't.
        """
        wanted = news.get("image")
        if not isinstance(wanted, str) or wanted == state.get("image"):
            return news
        image = find(context.client, wanted)
        if image is not None:
            return {**news, "image": image["Id"]}
        if wanted == old_inputs.get("image"):
            return {**news, "image": state.get("image")}
        return news


def _join_networks(context: Context, identity: str, inputs: Props) -> None:
    networks = inputs.get("networksAdvanced") or []
    if not networks:
        return
    try:
        context.client.disconnect_container_from_network(identity, "bridge")
    except DOCKER_ERRORS as error:
        if "is not connected to" not in daemon_message(error):
            what = f"take container {inputs['name']} off the default network"
            raise failed(what, error) from error
    for network in networks:
        try:
            context.client.connect_container_to_network(
                identity,
                network["name"],
                ipv4_address=network.get("ipv4Address"),
                aliases=network.get("aliases"),
            )
        except DOCKER_ERRORS as error:
            what = f"join container {inputs['name']} to network {network['name']}"
            raise failed(what, error) from error


def _upload(context: Context, identity: str, inputs: Props) -> None:
    """Put the files of `uploads` in, each owned by root, before the container starts."""
    for item in inputs.get("uploads") or ():
        content = item["content"].encode()
        entry = tarfile.TarInfo(item["file"].lstrip("/"))
        entry.size, entry.mtime = len(content), int(time.time())
        entry.mode = int(item.get("permissions") or "0644", 8)
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            archive.addfile(entry, io.BytesIO(content))
        try:
            context.client.put_archive(identity, "/", buffer.getvalue())
        except DOCKER_ERRORS as error:
            raise failed(f"upload {item['file']} into container {inputs['name']}", error) from error


def _remove(context: Context, identity: str, state: Props, *, force_only: bool = False) -> None:
    client = context.client
    name = state.get("name", identity)
    grace = 0 if force_only else state.get("destroyGraceSeconds") or 0
    try:
        if grace > 0:
            client.stop(identity, timeout=grace)
        client.remove_container(identity, v=True, force=True)
    except docker_errors.NotFound:
        return
    except DOCKER_ERRORS as error:
        if "is already in progress" not in daemon_message(error):
            raise failed(f"remove container {name}", error) from error

    def gone() -> bool:
        try:
            client.inspect_container(identity)
        except docker_errors.NotFound:
            return True
        return False

    if not force_only and not context.waiter.until(gone, _REMOVAL_SECONDS):
        raise ProviderError(f"container {name} is still there {_REMOVAL_SECONDS} s after removal")
