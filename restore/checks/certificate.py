"""Whether the reverse proxy serves the right certificate: whole, valid, for its name."""

from __future__ import annotations

import hashlib
import socket
import ssl
from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from restore.checks.base import Check, Finding, describe, passed_unless, run_check, unverifiable
from restore.checks.tls import Tls, tls_of, without_time
from restore.context import ReplayContext
from restore.model import CheckResult, CheckStatus, Environment, Generation, Severity
from restore.model.messages import message
from restore.plan.equivalence.certificate import anchor_of, host_of, judge, short

ID: Final = "web.certificate"
TIMEOUT: Final = 10.0


def certificate_checks(context: ReplayContext) -> tuple[CheckResult, ...]:
    """Ask the reverse proxy for its certificate; no result where neither side has one."""
    tls = tls_of(context.environment)
    checks = foreseen_certificate_checks(context.generation, tls is not None)
    if tls is None:
        reason = message("the environment was rebuilt without production's certificate")
        return tuple(unverifiable(check, reason) for check in checks)
    return tuple(run_check(check, lambda: _probe(context, tls)) for check in checks)


def foreseen_certificate_checks(generation: Generation, served: bool = False) -> tuple[Check, ...]:
    """The checks of a generation's certificate, or of the stack's own when one is ``served``."""
    proxy = generation.fingerprint.proxy
    if not served and (proxy is None or proxy.certificate is None):
        return ()
    expected = message("the certificate of this stack, valid, with its chain")
    return (Check(ID, message("Certificate of the reverse proxy"), expected),)


def _probe(context: ReplayContext, tls: Tls) -> Finding:
    environment = context.environment
    try:
        served = _served(environment, tls)
        wrong = list(_problems(environment, tls, served))
    except OSError as error:
        # A proxy that does not answer is exactly what this check looks for.
        return Finding(CheckStatus.FAILED, message("no answer: {error}", error=describe(error)))
    # The name that people use: the stack's own external URL's, else production's.
    own = environment.external_url != environment.erp.url
    url = environment.external_url if own else context.generation.fingerprint.external_url
    judged = judge(tls.public.encode(), host_of(url), context.now(), keyed=False)
    accepted = {item.key for item in context.accepted}
    blocking = [d for d in judged.differences if d.severity is Severity.BLOCKING]
    wrong += (item.message for item in blocking if item.key not in accepted)
    observed = message("certificate {sha256}", sha256=short(served))
    if facts := judged.facts:
        until = f"{facts.not_after:%Y-%m-%d}"
        observed = message(
            "certificate {sha256}, valid until {day}", sha256=short(served), day=until
        )
    if wrong:
        return passed_unless(wrong, observed)
    reserves = [d.message for d in judged.differences]
    return passed_unless(reserves, observed, otherwise=CheckStatus.WARNING)


def _served(environment: Environment, tls: Tls) -> str:
    """The fingerprint of what is served, whatever it is."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with _connected(environment, tls, context) as connection:
        return hashlib.sha256(connection.getpeercert(binary_form=True) or b"").hexdigest()


def _problems(environment: Environment, tls: Tls, served: str) -> Iterator[str]:
    first = tls.public[: tls.public.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)] + "\n"
    expected = hashlib.sha256(ssl.PEM_cert_to_DER_cert(first)).hexdigest()
    if served != expected:
        yield message(
            "another certificate is served: {found}, expected {wanted}",
            found=short(served),
            wanted=short(expected),
        )
        return
    # Whoever trusts the last authority only must be given all that lies between.
    context = without_time(ssl.create_default_context(cadata=anchor_of(tls.public)))
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    try:
        _connected(environment, tls, context).close()
    except ssl.SSLCertVerificationError as error:
        yield message("the chain that is served is not whole: {why}", why=error.verify_message)


def _connected(environment: Environment, tls: Tls, context: ssl.SSLContext) -> ssl.SSLSocket:
    url = urlsplit(environment.erp.endpoint)
    plain = socket.create_connection((url.hostname or "", url.port or 443), TIMEOUT)
    try:
        return context.wrap_socket(plain, server_hostname=tls.host)
    except BaseException:
        plain.close()
        raise
