"""A real browser, headless: Debian's Chromium in a container beside the ERP, driven by Playwright.

It stands on the environment's internal network, so it sees what users would see and, like the
servers, finds no way out. It listens to its own 127.0.0.1 only; a tunnel leads there.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from restore.adapters.docker import rights
from restore.adapters.docker.engine import Container, DockerClient, ImageNotFound, NotFound, answers
from restore.adapters.docker.runner import LABEL, Runner
from restore.adapters.docker.tunnel import Tunnel
from restore.checks.tls import tls_of
from restore.errors import EnvironmentFailure
from restore.model import LOCAL, Environment, Relay
from restore.model.messages import message

if TYPE_CHECKING:
    from playwright.sync_api import Page

IMAGE: Final = "pra/chromium:bookworm"
ROLE: Final = "browser"

WIDTH: Final = 1280
HEIGHT: Final = 800

_PORT: Final = 9222
_READY: Final = 60.0
"""Seconds that a browser may take to answer; it takes one or two."""
_STEP: Final = 0.1
_SETTLED_MS: Final = 3_000
_PICTURE_MS: Final = 5_000
_MEMORY: Final = "2g"

_COMMAND: Final = (
    "chromium-headless-shell",
    # Its own sandbox needs rights that the container has dropped; the container is its sandbox.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    f"--remote-debugging-port={_PORT}",
    "--user-data-dir=/tmp/profile",
)


@dataclass(frozen=True, slots=True)
class Site:
    """Where the browser finds the ERP: a URL, and whose name is at which address."""

    url: str
    rules: str | None = None


class Browser:
    """A browser that stands, with one visitor."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def settle(self) -> None:
        """Wait a little, at most, until the page fetches nothing more: it is drawn then."""
        from playwright.sync_api import Error  # noqa: PLC0415 - slow to import

        # Some pages never rest: they listen for news.
        with suppress(Error):
            self.page.wait_for_load_state("networkidle", timeout=_SETTLED_MS)

    def picture(self) -> bytes:
        """What the page shows, as PNG.

        Raises:
            EnvironmentFailure: the page can't be drawn.
        """
        from playwright.sync_api import Error  # noqa: PLC0415 - slow to import

        try:
            return self.page.screenshot(type="png", animations="disabled", timeout=_PICTURE_MS)
        except Error as error:
            raise EnvironmentFailure(
                f"no screenshot could be made: {driver_message(error)}"
            ) from error


def require_browser(runner: Runner, beside: str = "") -> None:
    """Refuse to begin what takes a browser where there is no image of it.

    Args:
        beside: a container, on whose engine to look.

    Raises:
        EnvironmentFailure: says how to make it.
    """
    if runner.image(IMAGE, beside=beside) is None:
        raise EnvironmentFailure(
            message("image {image} is missing, and the scenario goes over web pages", image=IMAGE),
            "run: make setup IMAGES=browser",
        )


def site_of(environment: Environment, runner: Runner) -> Site:
    """The ERP as its users reach it: by its reverse proxy where there is one, from inside."""
    tls, erp = tls_of(environment), environment.erp
    address = _address(environment, runner) if environment.proxy is not None else None
    if address is None:
        return Site(f"http://{erp.address}:{erp.port}")
    if tls is None:
        return Site(f"http://{address}")
    if tls.host is None:
        return Site(f"https://{address}")
    return Site(f"https://{tls.host}", f"MAP {tls.host} {address}")


def _address(environment: Environment, runner: Runner) -> str | None:
    """The reverse proxy's address on the network that the servers are on."""
    found = runner.container(str(environment.proxy)).attrs["NetworkSettings"]["Networks"]
    address = found.get(environment.network, {}).get("IPAddress")
    return str(address) if address else None


@contextmanager
def open_browser(
    environment: Environment, runner: Runner, language: str = "en"
) -> Iterator[Browser]:
    """A browser beside an environment's ERP; gone, with its container, when the body ends.

    A stack has one at a time: whoever opens it holds the stack's lock.

    Args:
        environment: as ``access.open_access`` gives it, as is the runner.
        language: the visitor's, such as ``fr``.

    Raises:
        EnvironmentFailure: its image is missing, or it does not start.
    """
    require_browser(runner, environment.erp.container)
    site = site_of(environment, runner)
    with ExitStack() as stack:
        client = runner.engine_of(environment.erp.container)
        container = stack.enter_context(_container(client, environment, site))
        relay = Relay(environment.erp.host or LOCAL, str(container.id), "127.0.0.1", _PORT)
        tunnel = stack.enter_context(closing(Tunnel(client, relay)))
        address = _awaited(tunnel.port, container)
        yield stack.enter_context(_visitor(address, site, language))


def driver_message(error: Exception) -> str:
    """What the browser says of an error, without its log of calls."""
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


@contextmanager
def _container(client: DockerClient, environment: Environment, site: Site) -> Iterator[Container]:
    rules = (f"--host-resolver-rules={site.rules}",) if site.rules else ()
    labels = {LABEL: environment.stack, "pra.role": ROLE}
    with answers("start a browser"):
        _remove_old(client, labels)
        try:
            made = client.containers.create(
                IMAGE,
                command=[*_COMMAND, *rules],
                network=environment.network,
                # Nowhere: names of the outside are not resolved.
                dns=["127.0.0.1"],
                init=True,
                read_only=True,
                tmpfs={"/tmp": "size=1g,mode=1777"},  # noqa: S108 - the container's own
                mem_limit=_MEMORY,
                security_opt=list(rights.SECURITY),
                cap_drop=list(rights.DROPPED),
                pids_limit=rights.MOST_PROCESSES,
                labels=labels,
            )
        except ImageNotFound as error:
            raise EnvironmentFailure(f"image {IMAGE} is missing") from error
    try:
        with answers("start a browser"):
            made.start()
        yield made
    finally:
        with suppress(NotFound), answers("remove a browser"):
            made.remove(force=True)


def _remove_old(client: DockerClient, labels: dict[str, str]) -> None:
    """Remove the browser of a run that was killed: with it, the stack's network can't go."""
    selector: dict[str, str | list[str] | bool] = {
        "label": [f"{name}={value}" for name, value in labels.items()]
    }
    for old in client.containers.list(all=True, filters=selector, ignore_removed=True):
        with suppress(NotFound):
            old.remove(force=True)


def _awaited(port: int, container: Container) -> str:
    """The address at which the browser is driven, once it answers."""
    wait = Retrying(
        retry=retry_if_exception_type(httpx.HTTPError),
        stop=stop_after_delay(_READY),
        wait=wait_fixed(_STEP),
    )
    # The proxy variables of this machine must not lead astray what stays on it.
    with httpx.Client(trust_env=False, timeout=5) as client:
        try:
            answer = wait(_version, client, port)
        except RetryError as error:
            with answers("read the log of a browser"):
                log = container.logs(tail=5).decode(errors="replace")
            raise EnvironmentFailure(
                message(
                    "the browser did not answer within {n:.0f} s: {text}",
                    n=_READY,
                    text=log.strip(),
                )
            ) from error
    return str(answer["webSocketDebuggerUrl"])


def _version(client: httpx.Client, port: int) -> dict[str, Any]:
    response = client.get(f"http://127.0.0.1:{port}/json/version")
    response.raise_for_status()
    document: dict[str, Any] = response.json()
    return document


@contextmanager
def _visitor(address: str, site: Site, language: str) -> Iterator[Browser]:
    from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - as above

    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.connect_over_cdp(address, timeout=_READY * 1000)
            context = browser.new_context(
                base_url=site.url,
                locale=language,
                viewport={"width": WIDTH, "height": HEIGHT},
                # A check of its own judges the certificate.
                ignore_https_errors=True,
            )
            page = context.new_page()
        except Error as error:
            raise EnvironmentFailure(
                message("the browser can't be driven: {text}", text=driver_message(error))
            ) from error
        try:
            yield Browser(page)
        finally:
            with suppress(Error):
                browser.close()
