"""A picture of one page, for those who need no scenario: a staging copy's banner, for example."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from restore.adapters.docker.runner import Runner
from restore.checks.base import masked
from restore.checks.scenarios.browser import open_browser
from restore.checks.scenarios.failure import Deadline, StepFailed
from restore.checks.scenarios.pages import perform
from restore.checks.scenarios.values import LogIn, OnPage, PageAct, PageKind
from restore.errors import EnvironmentFailure
from restore.model import Credentials, Environment

_SECONDS: Final = 60.0
"""For each page: the first one of an ERP that has just started is slow."""


def screenshot(
    environment: Environment,
    runner: Runner,
    path: str,
    file: Path,
    credentials: Credentials | None = None,
) -> None:
    """Keep a picture of a page of an environment's ERP, as PNG.

    Args:
        environment: as ``access.open_access`` gives it, as is the runner.
        path: of the page, such as ``/web/login``.
        file: where the picture goes.
        credentials: the account to log in with first, on Odoo's login page; a visitor's without.

    Raises:
        EnvironmentFailure: there is no browser, or the page does not open.
    """
    acts: list[PageAct] = [OnPage(PageKind.OPEN, path)]
    values: dict[str, Any] = {}
    if credentials is not None:
        acts.insert(0, LogIn())
        values = {"login": credentials.login, "password": credentials.password.reveal()}
    with open_browser(environment, runner) as browser:
        try:
            for act in acts:
                perform(browser.page, act, values, Deadline(_SECONDS))
        except StepFailed as failure:
            secrets = [credentials.password] if credentials else []
            problem = masked(str(failure), secrets)
            raise EnvironmentFailure(f"no picture of {path}: {problem}") from None
        browser.settle()
        file.write_bytes(browser.picture())
