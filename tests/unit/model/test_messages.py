"""Sentences that know the template they were made from."""

import copy
import json
from dataclasses import replace

import pytest

from restore.errors import ReplayError, UsageError
from restore.model.messages import Message, joined, message, plural
from restore.report.document import parse_report, to_json
from restore.report.language import locale
from tests.support.report_samples import passed

FR = locale("fr")
STEP = message("step {step} failed: {error}", step="login", error=message("not run"))


def test_a_message_is_its_english_sentence() -> None:
    assert STEP == "step login failed: not run"
    assert json.dumps(STEP) == '"step login failed: not run"'
    assert message("braces {as} they stand") == "braces {as} they stand"


@pytest.mark.parametrize("copied", [copy.deepcopy(STEP), copy.copy(STEP), str(ReplayError(STEP))])
def test_a_message_keeps_its_template(copied: str) -> None:
    assert copied == STEP
    assert isinstance(copied, Message)
    assert (copied.template, copied.values) == (STEP.template, STEP.values)


def test_counts_choose_their_template_and_space_their_thousands() -> None:
    texts = [plural(number, "{n} file", "{n} files") for number in (0, 1, 61_204)]
    assert texts == ["0 files", "1 file", "61 204 files"]


def test_texts_in_a_row_are_translated_one_by_one() -> None:
    assert joined(", ", []) == ""
    assert joined(", ", ["as is"]) == "as is"
    text = joined("\n", [STEP, "as is", message("interrupted")])
    assert text == f"{STEP}\nas is\ninterrupted"
    assert FR.phrase(text) == "l’opération login a échoué\u00a0: non exécuté\nas is\ninterrompu"


def test_a_report_keeps_its_messages() -> None:
    check = replace(passed().checks[0], observed=STEP, details=(joined(", ", [STEP, "as is"]),))
    text = to_json(replace(passed(), checks=(check,)))
    (read,) = parse_report(text).checks
    assert read == check
    assert FR.phrase(read.observed) == "l’opération login a échoué\u00a0: non exécuté"
    assert FR.phrase(read.details[0]) == f"{FR.phrase(STEP)}, as is"
    assert to_json(parse_report(text)) == text


def test_a_forged_template_is_not_filled() -> None:
    check = replace(passed().checks[0], observed=STEP)
    document = json.loads(to_json(replace(passed(), checks=(check,))))
    document["messages"][STEP]["template"] = "{step.__class__}"
    (read,) = parse_report(json.dumps(document)).checks
    assert read.observed == STEP
    assert not isinstance(read.observed, Message)


def nested(depth: int, width: int) -> dict[str, object]:
    """Messages within messages: each holds the next ``width`` times."""
    entry: dict[str, object] = {"template": "{a}", "values": {"a": "lol"}}
    for _ in range(depth):
        entry = {"template": "{a}" * width, "values": {"a": entry}}
    return entry


@pytest.mark.parametrize(
    "entry",
    [nested(8, 10), nested(200, 1), {"template": "{a:f}", "values": {"a": 10**400}}],
    ids=["grows", "deep", "no float"],
)
def test_a_table_that_lies_is_refused(entry: dict[str, object]) -> None:
    document = json.loads(to_json(passed())) | {"messages": {"lol": entry}}
    with pytest.raises(UsageError, match="is not a report"):
        parse_report(json.dumps(document))
