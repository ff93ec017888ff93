"""Acts on the pages of an ERP, each within its deadline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, cast
from urllib.parse import urlsplit

from restore.checks.scenarios.browser import driver_message
from restore.checks.scenarios.failure import Deadline, StepFailed
from restore.checks.scenarios.filling import filled_text
from restore.checks.scenarios.values import LogIn, OnPage, PageAct, PageKind, Target
from restore.errors import EnvironmentFailure
from restore.model.messages import Message, message

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

_LOST: Final = ("has been closed", "crashed", "Connection closed")
"""What the browser's driver says when there is no browser any more."""

_MISSED: Final = {
    PageKind.CLICK: message("{what} was not to be seen within {n:g} s"),
    PageKind.SEE: message("{what} was not to be seen within {n:g} s"),
    PageKind.GONE: message("{what} was still to be seen within {n:g} s"),
    PageKind.FILL: message("{what} could not be filled within {n:g} s"),
    PageKind.READ: message("{what} could not be read within {n:g} s"),
}
"""What is said of an act that came to no end in its time, by its kind."""


def perform(
    page: Page, act: PageAct, values: Mapping[str, Any], deadline: Deadline
) -> tuple[str, dict[str, str]]:
    """Do one act. Placeholders are filled from ``values``, the password among them.

    Returns:
        What was observed, and what is to be remembered.

    Raises:
        StepFailed: it did not come as it must, or not in time.
        EnvironmentFailure: the browser is gone.
    """
    from playwright.sync_api import Error, TimeoutError  # noqa: PLC0415 - slow to import

    try:
        if isinstance(act, LogIn):
            return _logged_in(page, act, values, deadline), {}
        if act.kind is PageKind.READ:
            text = _read(page, act, values, deadline)
            return message("read {text}", text=repr(text[:80])), {act.text: text}
        return _perform(page, act, values, deadline), {}
    except TimeoutError as error:
        raise StepFailed(_missed(act, values, deadline.seconds)) from error
    except Error as error:
        text = driver_message(error)
        if any(sign in text for sign in _LOST):
            raise EnvironmentFailure(message("the browser is gone: {text}", text=text)) from error
        raise StepFailed(text) from error


def place_of(page: Page) -> str:
    """Where a page is, without the query: that may hold tokens."""
    parts = urlsplit(page.url)
    return message("the page is {path}", path=parts.path or parts.geturl())


def _perform(  # noqa: PLR0911 - one return a kind
    page: Page, act: OnPage, values: Mapping[str, Any], deadline: Deadline
) -> str:
    found, what = _found(page, act.target, values), _shown(act.target, values)
    match act.kind:
        case PageKind.OPEN:
            return _opened(page, filled_text(act.text, values), deadline)
        case PageKind.CLICK:
            found.click(timeout=deadline.milliseconds)
            return message("clicked {what}", what=what)
        case PageKind.FILL:
            _fill(found, act.text, values, deadline)
            return message("filled {what}", what=what)
        case PageKind.PRESS:
            page.keyboard.press(act.text)
            return message("pressed {key}", key=act.text)
        case PageKind.SEE:
            found.first.wait_for(state="visible", timeout=deadline.milliseconds)
            return message("saw {what}", what=what)
        case PageKind.GONE:
            found.first.wait_for(state="hidden", timeout=deadline.milliseconds)
            return message("nothing of {what} is to be seen", what=what)
        case PageKind.ADDRESS:
            text = filled_text(act.text, values)
            page.wait_for_url(lambda url: text in url, timeout=deadline.milliseconds)
            return message("the address holds {text}", text=repr(act.text))
        case _:
            # LOOK does nothing; what READ reads is remembered, by the caller.
            return message("a screenshot")


def _opened(page: Page, path: str, deadline: Deadline) -> str:
    # Else a page of which only the fragment differs would not be opened anew.
    page.goto("about:blank", timeout=deadline.milliseconds)
    response = page.goto(path, timeout=deadline.milliseconds)
    status = response.status if response is not None else 200
    if status >= 400:
        raise StepFailed(message("the page answered HTTP {code}", code=status))
    return message("opened, HTTP {code}", code=status)


def _logged_in(page: Page, act: LogIn, values: Mapping[str, Any], deadline: Deadline) -> str:
    _opened(page, filled_text(act.path, values), deadline)
    _fill(_found(page, act.login, values), "{login}", values, deadline)
    password = _found(page, act.password, values)
    _fill(password, "{password}", values, deadline)
    _found(page, act.button, values).click(timeout=deadline.milliseconds)
    password.wait_for(state="hidden", timeout=deadline.milliseconds)
    return message("logged in as {login}", login=values["login"])


def _fill(field: Locator, text: str, values: Mapping[str, Any], deadline: Deadline) -> None:
    if "{password}" in text and (
        field.get_attribute("type", timeout=deadline.milliseconds) != "password"
    ):
        # It would be seen on the screenshot.
        raise StepFailed("the password goes into fields for passwords only, this is another one")
    field.fill(filled_text(text, values), timeout=deadline.milliseconds)


def _read(page: Page, act: OnPage, values: Mapping[str, Any], deadline: Deadline) -> str:
    found = _found(page, act.target, values)
    text = found.inner_text(timeout=deadline.milliseconds).strip()
    return text or found.input_value(timeout=deadline.milliseconds).strip()


def _found(page: Page, target: Target, values: Mapping[str, Any]) -> Locator:
    """What a target means, as far as it is to be seen; of several only where the first will do."""
    value = filled_text(target.value, values)
    match target.by:
        case "text":
            found = page.get_by_text(value, exact=target.exact)
        case "label":
            found = page.get_by_label(value, exact=target.exact)
        case "role":
            name = None if target.name is None else filled_text(target.name, values)
            found = page.get_by_role(cast(Any, value), name=name, exact=target.exact)
        case _:
            found = page.locator(value)
    found = found.filter(visible=True)
    return found.first if target.first else found


def _shown(target: Target, values: Mapping[str, Any]) -> str:
    name = None if target.name is None else filled_text(target.name, values)
    return str(replace(target, value=filled_text(target.value, values), name=name))


def _missed(act: PageAct, values: Mapping[str, Any], seconds: float) -> str:
    if isinstance(act, LogIn):
        return message("the login page did not let the account in within {n:g} s", n=seconds)
    if act.kind is PageKind.ADDRESS:
        return message(
            "the address did not hold {text} within {n:g} s", text=repr(act.text), n=seconds
        )
    if act.kind not in _MISSED:
        return message("the page did not answer within {n:g} s", n=seconds)
    return Message(_MISSED[act.kind], {"what": _shown(act.target, values), "n": seconds})
