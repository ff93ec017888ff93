"""A report as JSON text, and back: ``report.json`` holds all that any rendering needs.

The document mirrors the model field by field, in its order, so that equal reports give equal texts.
Its ``messages`` say of each text that was made from a template which one and with which values, so
that it can be rendered in another language.
Its schema is published in ``schemas/report.schema.json``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from restore.errors import UsageError
from restore.model import Report
from restore.model.codec import decode, encode
from restore.model.messages import Message, OldSentence, is_template
from restore.model.schema import schema_errors

FORMAT: Final = 1
"""Version of the document's layout; a reader refuses a newer one."""

_DEEPEST: Final = 8
_LONGEST: Final = 1 << 16
"""Bounds of what one message may be made of: a report may be anybody's."""

_LONE_SURROGATES: Final = re.compile("[\ud800-\udfff]")


def to_json(report: Report) -> str:
    """Write a report as JSON text that ``report.schema.json`` describes; the same text each time.

    Raises:
        TypeError: the report holds a value that has no place in it, such as a secret.
    """
    text = json.dumps(report_document(report), ensure_ascii=False, indent=2, allow_nan=False)
    # A file name that is not UTF-8 reaches us as lone surrogates, which no file can hold as is.
    return _LONE_SURROGATES.sub(lambda found: f"\\u{ord(found[0]):04x}", text) + "\n"


def report_document(report: Report) -> dict[str, Any]:
    """The same document, before it is written as text."""
    document = _without_absent({"format": FORMAT, **encode(report)})
    table = {str(text): _entry(text) for text in _messages(document)}
    return {**document, "messages": dict(sorted(table.items()))} if table else document


def _without_absent(document: dict[str, Any]) -> dict[str, Any]:
    """A document without what an earlier engine did not write, where there is nothing to say."""
    for key in ("reserves", "rpo_budget"):
        if not document[key]:
            del document[key]
    for check in document["checks"]:
        if not check["decisive"]:
            del check["decisive"]
    if document["generation"] and document["generation"]["signature"] is None:
        del document["generation"]["signature"]
    return document


def _messages(value: Any) -> Iterator[Message]:
    """The messages of a document that values fill: their text alone doesn't tell the template."""
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _messages(item)
    elif isinstance(value, Message) and value.values:
        yield value


def _entry(text: Message) -> dict[str, Any]:
    values = {
        name: _entry(value) if isinstance(value, Message) else value
        for name, value in text.values.items()
    }
    return {"template": text.template, "values": values}


def _message(entry: dict[str, Any], depth: int = 0) -> Message:
    """Build a message of its entry; one of a strange template is its own template as it stands.

    Raises:
        ValueError: messages within messages make more of it than a sentence.
    """
    if not is_template(entry["template"]):
        return Message(entry["template"])
    values = {
        name: _message(value, depth + 1) if isinstance(value, dict) else value
        for name, value in entry["values"].items()
    }
    made = Message(entry["template"], values)
    if depth > _DEEPEST or len(made) > _LONGEST:
        raise ValueError("a message is too long")
    return made


def _with_messages(value: Any, change: Callable[[str], str]) -> Any:
    """A document whose texts are messages again."""
    if isinstance(value, dict):
        return {name: _with_messages(item, change) for name, item in value.items()}
    if isinstance(value, list):
        return [_with_messages(item, change) for item in value]
    return change(value) if isinstance(value, str) else value


def parse_report(text: str, source: str = "report.json") -> Report:
    """Read back what ``to_json`` wrote; ``source`` names it in errors.

    Raises:
        UsageError: the text is no report, or one of a newer engine.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{source} is not valid JSON: {error}") from error
    number = document.get("format") if isinstance(document, dict) else None
    if isinstance(number, int) and number > FORMAT:
        raise UsageError(
            f"{source} has format {number}; this engine reads up to {FORMAT}",
            "read it with the engine that wrote it, or a newer one",
        )
    try:
        if errors := schema_errors("report", document):
            raise UsageError(
                f"{source} is not a report:\n" + "\n".join(f"  {line}" for line in errors[:20])
            )
        if "messages" not in document:
            return decode(Report, _with_messages(document, OldSentence))
        made = {text: _message(entry) for text, entry in document.pop("messages").items()}
        table = {text: message for text, message in made.items() if message == text}
        return decode(Report, _with_messages(document, lambda text: table.get(text, text)))
    except (ValueError, KeyError, OverflowError, RecursionError) as error:
        raise UsageError(f"{source} is not a report: {error}") from error
