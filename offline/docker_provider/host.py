"""The Docker engine that the plug-in talks to, from the provider's configuration."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from docker import APIClient

from .errors import DOCKER_ERRORS, CheckFailure, ProviderError, daemon_message
from .values import UNKNOWN, Props

DEFAULT_HOST = "unix:///var/run/docker.sock"

_TIMEOUT_SECONDS = 120
_SUPPORTED = {"host", "disableDockerDaemonCheck"}
_REFUSED_UNLESS_EMPTY = {
    "caMaterial": "use an ssh:// or unix:// host",
    "certMaterial": "use an ssh:// or unix:// host",
    "certPath": "use an ssh:// or unix:// host",
    "context": "give the context's host as `host`",
    "keyMaterial": "use an ssh:// or unix:// host",
    "registryAuth": "log in with `docker login` where the engine runs, or load the images there",
    "sshOpts": "put the options into ~/.ssh/config",
}
_SCHEMES = ("unix://", "tcp://", "http://", "https://", "ssh://", "npipe://")


def check_config(config: Props) -> list[CheckFailure]:
    """What is wrong with a provider's configuration; keys of the engine's own pass."""
    failures = []
    for name, raw in config.items():
        value = _decoded(raw)
        if name in _REFUSED_UNLESS_EMPTY and value:
            reason = f"`docker:{name}` isn't supported by the offline plug-in"
            failures.append(CheckFailure(name, f"{reason}; {_REFUSED_UNLESS_EMPTY[name]}"))
        elif name == "host" and isinstance(value, str) and value:
            if not value.startswith(_SCHEMES):
                reason = f"`docker:host` must start with one of {', '.join(_SCHEMES)}"
                failures.append(CheckFailure(name, f"{reason}; got {value!r}"))
        elif name not in _SUPPORTED | {"version", "pluginDownloadURL"} | set(
            _REFUSED_UNLESS_EMPTY
        ) and not name.startswith("__"):
            failures.append(CheckFailure(name, f"`docker:{name}` isn't a setting of this provider"))
    return failures


def _decoded(value: Any) -> Any:
    # The engine passes configuration that isn't a string as JSON in a string.
    if isinstance(value, str) and (value[:1] in ("[", "{") or value in ("true", "false")):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


@dataclass(slots=True)
class DockerHost:
    """Makes a client for each thread: the HTTP session under a client isn't made to be shared."""

    url: str
    named: bool = False
    """Whether the provider's configuration names it."""
    _local: threading.local = field(default_factory=threading.local)

    @classmethod
    def from_config(cls, config: Props, environ: Mapping[str, str] = os.environ) -> DockerHost:
        """The configured host; else DOCKER_HOST; else the local socket."""
        host = config.get("host")
        if host is UNKNOWN:
            host = None
        return cls(str(host or environ.get("DOCKER_HOST") or DEFAULT_HOST), bool(host))

    def client(self) -> APIClient:
        """A client of this thread's own. Raises ProviderError when the engine doesn't answer."""
        existing: APIClient | None = getattr(self._local, "client", None)
        if existing is not None:
            return existing
        try:
            client = APIClient(
                base_url=self.url,
                version="auto",
                timeout=_TIMEOUT_SECONDS,
                use_ssh_client=self.url.startswith("ssh://"),
            )
        except (*DOCKER_ERRORS, OSError) as error:
            raise ProviderError(
                f"can't reach the Docker engine at {self.url}: {daemon_message(error)}",
                "start it, or set DOCKER_HOST or `pulumi config set docker:host`",
            ) from error
        self._local.client = client
        return client
