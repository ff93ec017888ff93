"""A client of JasperReports Server's REST interface (v2), for what a drill needs of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from restore.adapters import logs
from restore.errors import ReplayError
from restore.model import Credentials, Environment
from restore.model.messages import joined, message
from restore.model.secret import MASK
from restore.profile import ReportsProfile

TIMEOUT: Final = 120.0
"""Seconds of silence after which a reports server counts as stuck: rendering takes its time."""

_DATA_SOURCE: Final = "application/repository.jdbcDataSource+json"


class ReportsClient:
    """A session of one account. Every method raises ReplayError with the server's own message."""

    def __init__(
        self, environment: Environment, profile: ReportsProfile, account: Credentials
    ) -> None:
        self._account = account
        self._client = httpx.Client(
            base_url=environment.erp.endpoint + profile.rest,
            auth=(account.login, account.password.reveal()),
            timeout=TIMEOUT,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def version(self) -> str:
        """The version that the server reports."""
        return str(self._ask("GET", "/serverInfo").json().get("version", ""))

    def resources(self) -> tuple[str, ...]:
        """The uri of every resource that the account sees."""
        # Without a limit the server gives the first hundred.
        answer = self._ask("GET", "/resources", params={"limit": "0", "recursive": "true"})
        found = answer.json().get("resourceLookup", []) if answer.content else []
        return tuple(str(item["uri"]) for item in found)

    def data_source(self, uri: str) -> dict[str, Any]:
        """The properties of a data source; its password is not among them."""
        answer = self._ask("GET", f"/resources{uri}", headers={"Accept": _DATA_SOURCE})
        properties: dict[str, Any] = answer.json()
        return properties

    def update_data_source(self, uri: str, properties: Mapping[str, Any]) -> None:
        """Give a data source other properties; the server encrypts a password among them."""
        self._ask(
            "PUT",
            f"/resources{uri}",
            json=dict(properties),
            headers={"Content-Type": _DATA_SOURCE, "Accept": _DATA_SOURCE},
        )

    def render(self, uri: str) -> bytes:
        """Run a report to PDF."""
        answer = self._ask("GET", f"/reports{uri}.pdf")
        if not answer.content.startswith(b"%PDF"):
            raise ReplayError(f"the reports server answered {uri}.pdf with what is no PDF")
        return answer.content

    def _ask(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, path, **options)
        except httpx.HTTPError as error:
            raise ReplayError(
                f"the reports server did not answer {method} {path}: "
                f"{str(error) or type(error).__name__}"
            ) from error
        logs.event("reports server", method=method, path=path, status=answer.status_code)
        if answer.is_success:
            return answer
        hint = (
            "is it the account of PRA_REPORTS_LOGIN and PRA_REPORTS_PASSWORD?"
            if answer.status_code == httpx.codes.UNAUTHORIZED
            else ""
        )
        refused = message(
            "the reports server refused {what}: HTTP {code}",
            what=f"{method} {path}",
            code=answer.status_code,
        )
        raise ReplayError(
            joined(": ", filter(None, (refused, self._said(answer)))),
            hint,
        )

    def _said(self, answer: httpx.Response) -> str:
        try:
            said = str(answer.json()["message"])
        except (ValueError, KeyError, TypeError):
            return ""
        return said.replace(self._account.password.reveal(), MASK)
