"""The reverse proxy: the one server with a published port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import pulumi
import pulumi_docker as docker

from restore.adapters.docker import rights
from restore.model import Role, ServerBlueprint, Upload
from restore.model.secret import Secret
from stacks import server as servers

CONFIGURATION: Final = "/etc/nginx/conf.d/default.conf"
CERTIFICATE: Final = "/etc/nginx/pra-certificate.pem"
HEALTH: Final = "/pra-health"
LOOPBACK: Final = "127.0.0.1"
READY_SECONDS: Final = 60

_TEMPLATE: Final = """\
map $http_upgrade $connection_upgrade {
    default upgrade;
    ''      close;
}
# What is in front of this proxy, if anything, says how people reach it.
map $http_x_forwarded_proto $outer_scheme {
    default $http_x_forwarded_proto;
    ''      $scheme;
}
@PLAIN@server {
    listen @LISTEN@ default_server;
    server_name _;
@TLS@    # Attachments, and reports that take their time.
    client_max_body_size 1g;
    proxy_connect_timeout 10s;
    proxy_read_timeout 900s;
    proxy_send_timeout 900s;
    proxy_buffering off;

    location = @HEALTH@ {
        access_log off;
        default_type text/plain;
        return 200 "ok\\n";
    }
    location / {
        proxy_pass http://@ERP@;
        proxy_http_version 1.1;
        proxy_redirect off;
        proxy_set_header Host $http_host;
        proxy_set_header X-Real-IP $remote_addr;
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Host $http_host;
        proxy_set_header X-Forwarded-Proto $outer_scheme;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
    }
}
"""


_TLS: Final = """\
    ssl_certificate @CERTIFICATE@;
    ssl_certificate_key @CERTIFICATE@;
    ssl_protocols TLSv1.2 TLSv1.3;
"""

_PLAIN: Final = """\
server {
    listen 80 default_server;
    server_name _;
    location = @HEALTH@ {
        access_log off;
        default_type text/plain;
        return 200 "ok\\n";
    }
    location / {
        return 301 https://$host$request_uri;
    }
}
"""


@dataclass(frozen=True, slots=True)
class ProxyArgs:
    """A reverse proxy.

    ``outer`` is the name of the network that the port is published on; ``port`` the port of
    127.0.0.1, a free one when None. ``certificate`` is the PEM to serve; None for plain HTTP.
    """

    server: servers.ServerArgs
    outer: pulumi.Input[str]
    port: int | None
    certificate: Secret | None = None


def proxy_blueprint(image: str, erp: str, *, tls: bool = False) -> ServerBlueprint:
    """An nginx that passes everything on to the ERP at ``erp`` (address:port)."""
    url = f"http://127.0.0.1{HEALTH}"
    # Its images have the one or the other.
    probe = f"curl -fsS -m 2 -o /dev/null {url} || wget -q -T 2 -O /dev/null {url}"
    return ServerBlueprint(
        image=image,
        entrypoint=(),
        command=(),
        port=443 if tls else 80,
        health=("sh", "-c", probe),
        mounts=(),
        uploads=(Upload(CONFIGURATION, configuration(erp, tls=tls)),),
    )


def configuration(erp: str, *, tls: bool = False) -> str:
    """The site that passes everything on to the ERP, but for the proxy's own health.

    With a certificate, plain HTTP leads to it.
    """
    values = {
        "@PLAIN@": _PLAIN if tls else "",
        "@TLS@": _TLS if tls else "",
        "@LISTEN@": "443 ssl" if tls else "80",
        "@CERTIFICATE@": CERTIFICATE,
        "@HEALTH@": HEALTH,
        "@ERP@": erp,
    }
    text = _TEMPLATE
    for name, value in values.items():
        text = text.replace(name, value)
    return text


class Proxy(pulumi.ComponentResource):
    """nginx on both networks, its port published on 127.0.0.1 only.

    It is healthy without the ERP, which starts later.

    Outputs: ``container`` (its id) and ``url``, at which this machine reaches the ERP.
    """

    container: pulumi.Output[str]
    url: pulumi.Output[str]

    def __init__(
        self, name: str, args: ProxyArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("pra:environment:Proxy", name, None, opts)
        server = args.server
        settings = servers.container_args(name, server, self)
        settings.capabilities = servers.capabilities(rights.PROXY)
        settings.networks_advanced = [
            docker.ContainerNetworksAdvancedArgs(
                name=server.place.network, ipv4_address=server.address, aliases=[Role.PROXY.value]
            ),
            docker.ContainerNetworksAdvancedArgs(name=args.outer),
        ]
        settings.ports = [
            docker.ContainerPortArgs(
                internal=server.blueprint.port, external=args.port, ip=LOOPBACK, protocol="tcp"
            )
        ]
        if args.certificate is not None:
            # nginx reads it as root, before it gives its rights away.
            pem = servers.uploaded(CERTIFICATE, args.certificate.reveal(), "0400")
            files = (
                servers.uploaded(upload.path, upload.content) for upload in server.blueprint.uploads
            )
            settings.uploads = [*files, pem]
        settings.healthcheck = servers.healthcheck(
            server, servers.interval(server, "4s"), "5s", "10s", 10
        )
        settings.wait = True
        settings.wait_timeout = READY_SECONDS
        container = docker.Container(name, settings, servers.container_options(self))
        self.container = container.id
        scheme = "http" if args.certificate is None else "https"
        self.url = container.ports.apply(lambda ports: published_url(ports, scheme))
        self.register_outputs({"container": self.container, "url": self.url})


def published_url(
    ports: Sequence[docker.outputs.ContainerPort] | None, scheme: str = "http"
) -> str:
    """The URL at which this machine reaches the one published port, read back from Docker."""
    published = [port.external for port in ports or () if port.external]
    if not published:
        raise RuntimeError("Docker published no port for the proxy: is another process using it?")
    return f"{scheme}://{LOOPBACK}:{published[0]}"
