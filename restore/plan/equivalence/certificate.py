"""A TLS certificate in one PEM (certificate, key, chain), judged before anything serves it. Pure.

The first certificate is the one that is served and the key must be its own: nginx asks for that.

| key | blocking | warning |
|---|---|---|
| ``certificate.key`` | no certificate, no key that can be read, or another's | |
| ``certificate.expired`` | it, or an authority's, has expired | |
| ``certificate.not-yet-valid`` | it begins later | |
| ``certificate.chain`` | the authority that issued it is not in the file | |
| ``certificate.name`` | it is not for the host of the external URL | |
| ``certificate.expires-soon`` | | within ``SOON`` |
| ``certificate.self-signed`` | | nobody vouches for it |
| ``certificate.order`` | | authorities are not in the order that clients expect |

``certificate.other`` is a note: it is not production's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address
from itertools import pairwise
from typing import Final
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from restore.model import CertificateFacts, Difference, Severity
from restore.model.messages import message
from restore.model.secret import Secret

SOON: Final = timedelta(days=30)

_BROKEN: Final = {
    "key": (Severity.BLOCKING, message("one certificate with its key"), message("not so")),
    "chain": (Severity.BLOCKING, message("a chain to an authority"), message("broken")),
    "self-signed": (Severity.WARNING, message("issued by an authority"), message("self")),
    "order": (Severity.WARNING, message("each followed by its issuer's"), message("another order")),
}
"""What is expected of every certificate, and what is said of one that is otherwise."""

KEYS: Final = tuple(
    f"certificate.{name}"
    for name in (*_BROKEN, "expired", "not-yet-valid", "name", "expires-soon", "other")
)
"""Keys of the differences that a certificate may have."""

_KEY: Final = re.compile(rb"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.+?-----END \1-----", re.DOTALL)
_CERTIFICATE: Final = re.compile(
    rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a PEM holds and what is wrong with it. ``facts`` is None when it holds no certificate.

    ``public`` is the PEM without the key; ``servable`` whether a server can start with it.
    """

    facts: CertificateFacts | None
    public: str
    differences: tuple[Difference, ...]

    @property
    def servable(self) -> bool:
        """Whether a server can start with it."""
        return all(item.key != "certificate.key" for item in self.differences)


def judge(pem: bytes, host: str | None, now: datetime, *, keyed: bool = True) -> Judged:
    """Look at a PEM: nothing that it holds beyond public facts leaves this function.

    Args:
        host: the external URL's; None when it is not known, and then is not compared.
        now: in UTC.
        keyed: whether the key is looked at, too; a PEM's public part has none.
    """
    try:
        found = tuple(x509.load_pem_x509_certificate(part) for part in _CERTIFICATE.findall(pem))
    except ValueError:
        return Judged(None, "", (_broken("key", message("a certificate in it can't be read")),))
    if not found:
        return Judged(None, "", (_broken("key", message("the file holds no certificate")),))
    problems = (
        *(_key_problems(pem, found) if keyed else ()),
        *_time_problems(found, now),
        *_chain_problems(found),
        *_name_problems(found[0], host),
    )
    public = b"".join(item.public_bytes(Encoding.PEM) for item in found).decode("ascii")
    return Judged(certificate_facts(found), public, problems)


def certificate_facts(certificates: Sequence[x509.Certificate]) -> CertificateFacts:
    """The facts of a served certificate and the authorities' that follow it."""
    served = certificates[0]
    return CertificateFacts(
        subject=served.subject.rfc4514_string(),
        issuer=served.issuer.rfc4514_string(),
        names=names_of(served),
        not_before=served.not_valid_before_utc,
        not_after=served.not_valid_after_utc,
        sha256=served.fingerprint(SHA256()).hex(),
        authorities=len(certificates) - 1,
    )


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """The hosts that a certificate is for; clients look nowhere else."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return ()
    hosts = names.get_values_for_type(x509.DNSName)
    addresses = names.get_values_for_type(x509.IPAddress)
    return (*hosts, *(str(address) for address in addresses))


def judge_names(public: str) -> tuple[str, ...]:
    """The hosts that the served certificate of a PEM is for."""
    return names_of(x509.load_pem_x509_certificates(public.encode())[0])


def public_part(pem: Secret) -> str:
    """A PEM without its key."""
    return "\n".join(part.decode("ascii") for part in _CERTIFICATE.findall(pem.reveal().encode()))


def anchor_of(public: str) -> str:
    """The certificate of a PEM that leads to all others: its last authority, else itself."""
    found = x509.load_pem_x509_certificates(public.encode())
    anchor = found[0]
    for _ in found:
        issuers = (one for one in found if one != anchor and _issued(anchor, one))
        anchor = next(issuers, anchor)
    return anchor.public_bytes(Encoding.PEM).decode("ascii")


def names_host(names: Sequence[str], host: str) -> bool:
    """Whether one of a certificate's names is for a host; a star stands for one label."""
    wanted = host.lower().rstrip(".")
    _, _, parent = wanted.partition(".")
    return any(name.lower() in (wanted, f"*.{parent}" if parent else wanted) for name in names)


def host_of(url: str | None) -> str | None:
    """The host that a certificate must be for; None where people don't come by HTTPS."""
    parts = urlsplit(url or "")
    return parts.hostname if parts.scheme == "https" else None


def is_name(host: str) -> bool:
    """Whether a host is a name: addresses are not told to a server that is asked."""
    try:
        ip_address(host)
    except ValueError:
        return True
    return False


def other_certificate(
    production: CertificateFacts | None, used: CertificateFacts
) -> tuple[Difference, ...]:
    """The note of a certificate that is not production's; none when it is, or had none."""
    if production is None or production.sha256 == used.sha256:
        return ()
    text = message("the reverse proxy gets a certificate of the stack's own, not production's")
    sums = short(production.sha256), short(used.sha256)
    return (Difference("certificate.other", Severity.NOTE, *sums, text),)


def short(sha256: str) -> str:
    """The beginning of a fingerprint, enough for people to compare."""
    return sha256[:16]


def _broken(name: str, text: str) -> Difference:
    return Difference(f"certificate.{name}", *_BROKEN[name], text)


def _key_problems(pem: bytes, found: Sequence[x509.Certificate]) -> Iterator[Difference]:
    texts = [match[0] for match in _KEY.finditer(pem)]
    if len(texts) != 1:
        many = message("several private keys") if texts else message("no private key")
        text = message("the file holds {what}: one PEM has certificate, key and chain", what=many)
        yield _broken("key", text)
        return
    try:
        public = load_pem_private_key(texts[0], password=None).public_key()
    except TypeError:
        yield _broken(
            "key", message("the private key is encrypted: a server could not start by itself")
        )
        return
    except (ValueError, UnsupportedAlgorithm):
        yield _broken("key", message("the private key can't be read"))
        return
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    own = public.public_bytes(*form)
    owners = [n for n, one in enumerate(found, 1) if one.public_key().public_bytes(*form) == own]
    if not owners:
        yield _broken("key", message("the private key is not the certificate's"))
    elif owners[0] != 1:
        text = message(
            "the private key is of certificate {n} of the file, not of the first", n=owners[0]
        )
        yield _broken("key", text)


def _time_problems(found: Sequence[x509.Certificate], now: datetime) -> Iterator[Difference]:
    for number, item in enumerate(found):
        who = (
            message("the certificate")
            if number == 0
            else message("the authority's ({name})", name=_name(item.subject))
        )
        until, since = item.not_valid_after_utc, item.not_valid_before_utc
        valid = message("valid on {day}", day=_day(now))
        ends = message("valid until {day}", day=_day(until))
        if until < now:
            text = message("{who} expired on {day}", who=who, day=_day(until))
            yield Difference("certificate.expired", Severity.BLOCKING, valid, ends, text)
        elif since > now:
            begins = message("valid from {day}", day=_day(since))
            text = message("{who} is not valid before {day}", who=who, day=_day(since))
            yield Difference("certificate.not-yet-valid", Severity.BLOCKING, valid, begins, text)
        elif until - now < SOON:
            wanted = message("valid for {n} days", n=SOON.days)
            day, left = _day(until), (until - now).days
            text = message("{who} expires on {day}, in {n} days", who=who, day=day, n=left)
            yield Difference("certificate.expires-soon", Severity.WARNING, wanted, ends, text)


def _chain_problems(found: Sequence[x509.Certificate]) -> Iterator[Difference]:
    served, *authorities = found
    if _issued(served, served):
        text = message(
            "the certificate is signed by itself: clients must have been told to trust it"
        )
        yield _broken("self-signed", text)
        return
    if not any(_issued(served, authority) for authority in authorities):
        text = message(
            "the file lacks the certificate of its issuer, {name}", name=_name(served.issuer)
        )
        yield _broken("chain", text)
        return
    for authority in authorities:
        # A root that clients have may be left out, but not what leads to nothing.
        if not any(_issued(one, authority) for one in found if one is not authority):
            name = _name(authority.subject)
            yield _broken(
                "chain", message("{name} issued none of the file's certificates", name=name)
            )
    if not all(_issued(one, after) for one, after in pairwise(found)):
        text = message(
            "the certificates of the authorities are not in order: some clients refuse that"
        )
        yield _broken("order", text)


def _name_problems(served: x509.Certificate, host: str | None) -> Iterator[Difference]:
    names = names_of(served)
    if host is not None and not names_host(names, host):
        text = message("the certificate is not for {host}, the host of the external URL", host=host)
        listed = ", ".join(names) or message("no name")
        yield Difference("certificate.name", Severity.BLOCKING, host, listed, text)


def _issued(certificate: x509.Certificate, by: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(by)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _name(name: x509.Name) -> str:
    common = name.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(common[0].value) if common else name.rfc4514_string()


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
