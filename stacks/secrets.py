"""Passwords: those that the settings give, and those that are generated once."""

from __future__ import annotations

import secrets
from typing import Any, Final

import pulumi
from pulumi import dynamic

from restore.model.secret import Secret

_BYTES: Final = 24


class Passwords(dynamic.ResourceProvider):
    """Keeps a given password, or makes one when the resource is created.

    ``revision`` is a random text that changes whenever the password does, so that others can be
    told of a change without being told the password. A stack's state names this class: it keeps
    its name and module.
    """

    serialize_as_secret_always = False

    def create(self, props: dict[str, Any]) -> dynamic.CreateResult:
        """Take the given password, or generate one."""
        return dynamic.CreateResult("password", _kept(props, None))

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.DiffResult:
        """A password changes when another one is given, or none any more."""
        return dynamic.DiffResult(changes=olds.get("given") != news.get("given"))

    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> dynamic.UpdateResult:
        """Take the newly given password; without one, keep what is there."""
        return dynamic.UpdateResult(_kept(news, olds))


class Password(dynamic.Resource, module="pra", name="Password"):
    """A password, given or generated (192 bits, safe in URLs and configuration files).

    Outputs: ``value``, a secret, and ``revision``, which changes with it.
    """

    value: pulumi.Output[str]
    revision: pulumi.Output[str]

    def __init__(self, name: str, given: Secret | None, opts: pulumi.ResourceOptions) -> None:
        text = None if given is None else pulumi.Output.secret(given.reveal())
        hidden = pulumi.ResourceOptions(additional_secret_outputs=["given", "value"])
        super().__init__(
            Passwords(),
            name,
            {"given": text, "value": None, "revision": None},
            pulumi.ResourceOptions.merge(opts, hidden),
        )


def _kept(news: dict[str, Any], olds: dict[str, Any] | None) -> dict[str, Any]:
    given = news.get("given")
    value = given or (olds and olds.get("value")) or secrets.token_urlsafe(_BYTES)
    same = olds is not None and olds.get("value") == value
    revision = olds["revision"] if olds and same else secrets.token_hex(4)
    return {"given": given, "value": value, "revision": revision}
