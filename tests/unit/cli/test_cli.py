"""The ``pra`` command at its edge: what is printed where, and the exit code of every error."""

from __future__ import annotations

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from restore.adapters.docker.runner import Runner
from restore.cli import options
from restore.cli.generations import choose_generation
from restore.cli.main import run
from restore.cli.terminal import Terminal
from restore.errors import ExitCode, UsageError
from restore.model import Acceptance, Difference, Generation, Severity, locations
from restore.model.durations import parse_age
from restore.report.files import write_report
from restore.repository.folder import FolderRepository
from restore.repository.manifest import render_manifest
from tests.support.fake_docker import FakeEngine
from tests.support.prerequisites import furnished
from tests.support.report_samples import passed
from tests.support.repository import edit_manifest, flip_byte, writable


def test_generations_are_listed_and_shown(
    small_generation: Generation, repository: FolderRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--repository", repository.location)
    assert run(["generations", "list", *where]) == ExitCode.PASS
    assert run(["generations", "show", "latest", *where]) == ExitCode.PASS
    out = capsys.readouterr().out
    assert small_generation.id in out
    for part in ("PostgreSQL 13.16", "14.0.0+dfsg", "filestore-specibike_prod", "roles"):
        assert part in out

    assert run(["--json", "generations", "list", *where]) == ExitCode.PASS
    (listed,) = json.loads(capsys.readouterr().out)
    assert listed["id"] == small_generation.id
    assert listed["databases"] == ["specibike_prod"]


def test_how_people_reached_production_is_shown(
    small_generation: Generation, repository: FolderRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    show = ["generations", "show", "latest", "--repository", repository.location]
    assert run(show) == ExitCode.PASS
    assert "no reverse proxy was captured" in capsys.readouterr().out
    written = json.loads(render_manifest(furnished(small_generation)))
    edit_manifest(small_generation, lambda m: m.update(fingerprint=written["fingerprint"]))
    assert run(show) == ExitCode.PASS
    out = capsys.readouterr().out
    assert "external URL https://erp.example.org" in out
    assert "certificate for erp.example.org, until 2027-01-15" in out


@pytest.mark.parametrize("verbose", [False, True])
def test_what_a_drill_means_to_differ_is_one_line(
    verbose: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    note = Difference("address.erp", Severity.NOTE, "10.1.0.3", "10.2.0.3", "elsewhere")
    warning = Difference("erp.release", Severity.WARNING, "1", "2", "another")
    Terminal(verbose=verbose).differences([warning, note])
    printed = capsys.readouterr()
    assert "erp.release" in printed.out
    assert ("10.2.0.3" in printed.out) is verbose
    assert ("as a drill means it: address.erp" in printed.err) is not verbose
    Terminal().differences([note])
    assert capsys.readouterr().out == ""


def test_an_error_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    Terminal().error(UsageError("a\x1b[2J file\u202e\nof others", "look\x07 there"))
    shown = capsys.readouterr().err
    assert "a�[2J file�\nof others" in shown and "look� there" in shown


def test_an_empty_repository_is_said_to_be_empty(
    repository: FolderRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["generations", "list", "--repository", repository.location]) == ExitCode.PASS
    assert "no generation yet" in capsys.readouterr().err
    assert (
        run(["generations", "show", "latest", "--repository", repository.location])
        == ExitCode.NOT_FOUND
    )


def test_a_changed_manifest_is_refused_and_one_without_a_seal_is_called_so(
    small_generation: Generation, repository: FolderRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--repository", repository.location)
    manifest = writable(small_generation.root / "manifest.json")
    document = json.loads(manifest.read_text())
    assert run(["generations", "show", "latest", *where]) == ExitCode.PASS
    assert "manifest sealed" in capsys.readouterr().out

    manifest.write_text(json.dumps({**document, "engine_version": "0.1.1"}))
    for words in (["verify", "latest"], ["plan", "latest"]):
        assert run([*words, *where]) == ExitCode.DAMAGED
        assert "was changed after it was written" in capsys.readouterr().err

    del document["seal"]
    manifest.write_text(json.dumps(document))
    assert run(["verify", "latest", *where]) == ExitCode.PASS
    assert "manifest unsealed" in capsys.readouterr().out
    assert run(["--json", "generations", "list", *where]) == ExitCode.PASS
    assert json.loads(capsys.readouterr().out)[0]["sealed"] is False


def test_a_sound_generation_verifies_and_a_damaged_one_is_named(
    small_generation: Generation, repository: FolderRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ("--repository", repository.location)
    assert run(["verify", "latest", *where]) == ExitCode.PASS
    assert "sound" in capsys.readouterr().out

    flip_byte(small_generation.root / "roles" / "roles.sql")
    assert run(["verify", "latest", *where]) == ExitCode.DAMAGED
    assert "roles.sql" in capsys.readouterr().out
    assert run(["--json", "verify", "latest", *where]) == ExitCode.DAMAGED
    (problem,) = json.loads(capsys.readouterr().out)["problems"]
    assert (problem["kind"], problem["artifact"]) == ("changed", "roles")


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["generations", "list", "--repository", "/nowhere"], ExitCode.NOT_FOUND, "/nowhere"),
        (["drill", "--generation", "latest", "--repository", "/nowhere"], ExitCode.NOT_FOUND, ""),
        (["drill", "--profile", "dolibarr", "--generation", "x"], ExitCode.NOT_FOUND, "dolibarr"),
        (["frobnicate"], ExitCode.USAGE, "frobnicate"),
        (["verify", "--jobs", "0"], ExitCode.USAGE, "--jobs"),
        (["gc", "--older-than", "soon"], ExitCode.USAGE, "soon"),
        (["report", "--reports", "/nowhere"], ExitCode.NOT_FOUND, "/nowhere"),
    ],
)
def test_errors_have_their_exit_code(
    arguments: list[str],
    code: ExitCode,
    text: str,
    repository: FolderRepository,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PRA_REPOSITORY", repository.location)
    assert run(arguments) == code
    assert text in capsys.readouterr().err


def test_an_error_is_json_where_json_was_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--json", "generations", "list", "--repository", "/nowhere"])
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == ExitCode.NOT_FOUND
    assert "/nowhere" in document["error"]
    assert run(["--json", "verify", "--jobs", "0"]) == ExitCode.USAGE
    document = json.loads(capsys.readouterr().out)
    assert document["exit_code"] == ExitCode.USAGE and "--jobs" in document["error"]
    assert document["hint"] == "see 'pra verify --help'"


def test_no_generation_named_and_no_terminal_is_a_usage_error(
    small_generation: Generation, repository: FolderRepository, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["verify", "--repository", repository.location]) == ExitCode.USAGE
    assert "name one: latest" in capsys.readouterr().err


def test_on_a_terminal_the_generation_is_asked_for(
    small_generation: Generation,
    repository: FolderRepository,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    monkeypatch.setattr("click.prompt", lambda *_args, **_options: 1)
    chosen = choose_generation(repository, None, Terminal())
    assert chosen == small_generation.id
    assert small_generation.id in capsys.readouterr().err


def test_a_report_is_rendered_again_in_another_language(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = passed()
    write_report(report, tmp_path / report.run)
    assert run(["report", "--reports", str(tmp_path), "--lang", "fr"]) == ExitCode.PASS
    assert 'lang="fr"' in capsys.readouterr().out
    target = tmp_path / "junit.xml"
    arguments = ["report", report.run, "--reports", str(tmp_path), "--format", "junit"]
    assert run([*arguments, "--output", str(target)]) == ExitCode.PASS
    assert "<testsuites" in target.read_text(encoding="utf-8")


def test_every_acceptance_needs_its_reason() -> None:
    assert options.acceptances(("erp.release",), ("same series",)) == (
        Acceptance("erp.release", "same series"),
    )
    for keys, reasons in ((("a", "b"), ("x",)), (("a",), (" ",)), ((), ("x",))):
        with pytest.raises(UsageError):
            options.acceptances(keys, reasons)


def test_the_check_account_comes_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PRA_CHECK_PASSWORD", raising=False)
    monkeypatch.delenv("PRA_CHECK_PASSWORD_FILE", raising=False)
    assert options.check_credentials(None, "admin") is None
    monkeypatch.setenv("PRA_CHECK_PASSWORD", "")
    assert options.check_credentials(None, "admin") is None
    with pytest.raises(UsageError, match="no password"):
        options.check_credentials("drill", "admin")
    file = tmp_path / "password"
    file.write_text("from-a-file\n", encoding="utf-8")
    monkeypatch.setenv("PRA_CHECK_PASSWORD_FILE", str(file))
    found = options.check_credentials("drill", "admin")
    assert found is not None
    assert (found.login, found.password.reveal()) == ("drill", "from-a-file")
    monkeypatch.setenv("PRA_CHECK_PASSWORD_FILE", str(tmp_path / "absent"))
    with pytest.raises(UsageError, match="PRA_CHECK_PASSWORD_FILE"):
        options.check_credentials(None, "admin")


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604800)]
)
def test_ages(text: str, seconds: int) -> None:
    assert parse_age(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == ExitCode.PASS
    assert "_PRA_COMPLETE" in capsys.readouterr().out


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("capture", "drill", "restore", "plan", "verify", "gc", "report"):
        assert run([command, "--help"]) == ExitCode.PASS
        assert "Example" in capsys.readouterr().out


def test_gc_removes_what_an_interrupted_capture_left(
    repository: FolderRepository,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(Runner, "connect", lambda: FakeEngine().runner)
    monkeypatch.setattr("restore.adapters.lock.find_abandoned", lambda _folder: {})
    left = Path(repository.location) / "partial" / "20261124T010203Z-abcdef"
    left.mkdir(parents=True)
    assert run(["gc", "--repository", repository.location]) == ExitCode.PASS
    assert left.exists(), "it is too young"
    arguments = ["gc", "--repository", repository.location, "--older-than", "0s"]
    assert run([*arguments, "--dry-run"]) == ExitCode.PASS
    assert left.name in capsys.readouterr().out
    assert left.exists()
    assert run(arguments) == ExitCode.PASS
    assert not left.exists()
    assert run(["gc", "--repository", "/nowhere"]) == ExitCode.PASS
    assert "nothing to remove" in capsys.readouterr().out


@pytest.mark.parametrize("option", [["--verbose"], ["--log-format", "json"]])
def test_a_command_that_fails_leaves_a_log_and_shows_it(
    option: list[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(locations, "LOGS", tmp_path / "logs")
    (tmp_path / "cut.zip").write_bytes(b"PK")
    backup, where = f"odoo-zip:{tmp_path}/cut.zip", str(tmp_path / "repository")
    assert run([*option, "import", backup, "--repository", where]) == ExitCode.DAMAGED

    (log,) = (tmp_path / "logs").iterdir()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    begun, ended = map(json.loads, log.read_text(encoding="utf-8").splitlines())
    assert (begun["event"], begun["command"]) == ("import begins", "pra import")
    assert ended["event"] == "import ends" and "cut.zip" in ended["error"]
    shown = capsys.readouterr().err
    assert ('"event": "import ends"' in shown) is (option[0] == "--log-format")
    assert "import ends" in shown
