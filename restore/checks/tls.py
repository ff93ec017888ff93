"""How this machine speaks to a reverse proxy that serves TLS at another address than its name's."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Final

import httpx

from restore.model import Environment
from restore.plan.equivalence.certificate import host_of, is_name, judge_names

_NO_TIME: Final = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME, which the standard library does not name."""


@dataclass(frozen=True, slots=True)
class Tls:
    """What is known of a served certificate: its public PEM, and the name to ask for."""

    public: str
    host: str | None


def tls_of(environment: Environment) -> Tls | None:
    """How to speak to an environment's reverse proxy; None where it serves plain HTTP.

    The name is the external URL's, where the stack has one of its own, else the certificate's
    first.
    """
    if environment.certificate is None:
        return None
    own = environment.external_url != environment.erp.url
    host = host_of(environment.external_url) if own else None
    names = [name for name in judge_names(environment.certificate) if "*" not in name]
    return Tls(environment.certificate, host or (names[0] if names else None))


def pinned_context(tls: Tls) -> ssl.SSLContext:
    """A context that takes this very certificate and no other, expired or not.

    What is wrong with it is the affair of a check of its own; pages are judged beside it.
    """
    context = ssl.create_default_context(cadata=tls.public)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return without_time(context)


def without_time(context: ssl.SSLContext) -> ssl.SSLContext:
    """The same context, which looks neither at the clock nor at what only newer Pythons ask for."""
    flags = int(context.verify_flags & ~ssl.VerifyFlags.VERIFY_X509_STRICT)
    context.verify_flags = ssl.VerifyFlags(flags | _NO_TIME)
    return context


class NamedTransport(httpx.HTTPTransport):
    """Asks for a certificate by its name, whatever address is called."""

    def __init__(self, tls: Tls) -> None:
        super().__init__(verify=pinned_context(tls))
        self._host = tls.host

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request."""
        if self._host is not None and is_name(self._host):
            request.extensions = {**request.extensions, "sni_hostname": self._host}
        return super().handle_request(request)


def client(url: str, tls: Tls | None) -> httpx.Client:
    """A visitor of ``url`` that follows no redirection; close it when done."""
    # The proxy variables of this machine must not lead a request away from the environment.
    return httpx.Client(
        base_url=url,
        follow_redirects=False,
        trust_env=False,
        transport=NamedTransport(tls) if tls is not None else None,
    )
