"""The table of faults names tests that are there, and every test of a fault is in it."""

from __future__ import annotations

import ast
import re

from restore.model.locations import ROOT

TABLE = ROOT / "docs" / "reference" / "faults.md"
FILES = ("test_faults*.py", "test_killed.py", "test_engine_restart.py")
ROW = re.compile(r"\| `(?P<file>tests/\S+\.py)::(?P<test>\w+)`(?P<heavy> \(heavy\))? \|$", re.M)


def named_in(path: str) -> dict[str, bool]:
    """The tests of a file, and whether each is heavy."""
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    marked = any("heavy" in ast.unparse(one) for one in tree.body if isinstance(one, ast.Assign))
    return {
        one.name: marked or any("heavy" in ast.unparse(mark) for mark in one.decorator_list)
        for one in tree.body
        if isinstance(one, ast.FunctionDef) and one.name.startswith("test_")
    }


def test_every_fault_has_its_test_and_every_test_its_fault() -> None:
    text = TABLE.read_text(encoding="utf-8")
    rows = list(ROW.finditer(text))
    table = text.partition("\n## ")[0]
    assert len(rows) == table.count("\n| ") - 2, "a row names no test"
    for row in rows:
        found = named_in(row["file"])
        assert found.get(row["test"]) is bool(row["heavy"]), row[0]
    named = {(row["file"], row["test"]) for row in rows}
    files = [path for name in FILES for path in (ROOT / "tests" / "integration").glob(name)]
    assert len(files) >= len(FILES)
    for path in (str(file.relative_to(ROOT)) for file in files):
        assert {(path, test) for test in named_in(path)} <= named
