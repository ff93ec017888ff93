"""A secret never shows its text."""

import json
import pickle

import pytest

from restore.model.secret import Secret


def test_every_rendering_is_masked() -> None:
    secret = Secret("hunter2")
    renderings = [
        str(secret),
        repr(secret),
        f"{secret}",
        f"{secret:>10}",
        f"{secret}",
        repr([secret]),
    ]
    assert all("hunter2" not in text for text in renderings)
    assert secret.reveal() == "hunter2"


def test_it_compares_by_text() -> None:
    assert Secret("a") == Secret("a") != Secret("b")
    assert len({Secret("a"), Secret("a")}) == 1
    assert Secret("a") and not Secret("")


def test_it_is_neither_pickled_nor_dumped() -> None:
    with pytest.raises(TypeError, match="never pickled"):
        pickle.dumps(Secret("a"))
    with pytest.raises(TypeError):
        json.dumps(Secret("a"))
