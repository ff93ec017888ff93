"""pgBackRest's own words and PostgreSQL's log of a recovery, read without either."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from restore.catalogue.pgbackrest.recovery import (
    Control,
    consistency_point,
    failure,
    parse_control,
    require_all_replayed,
    start,
)
from restore.catalogue.pgbackrest.tool import (
    Goal,
    Point,
    backup_before,
    choose_stanza,
    parse_info,
    restore,
    utc_text,
)
from restore.cli.main import run
from restore.errors import (
    DamagedGenerationError,
    EnvironmentFailure,
    ExitCode,
    NotFoundError,
    UsageError,
)

CONTROL = Control(16 << 20, (("max_connections", "250"), ("max_prepared_transactions", "7")))
BEGUN = 1795513890
TOO_SHORT = "FATAL:  recovery ended before configured recovery target was reached\n"
REPLAYED = (
    "LOG:  redo done at 0/4011C80\n"
    "LOG:  last completed transaction was at log time 2026-11-24 09:51:36.5+00\n"
)


def info(**changes: Any) -> list[dict[str, Any]]:
    """What pgBackRest 2.33 prints of a repository."""
    backups = [
        {
            "archive": {"start": "000000010000000000000003", "stop": "000000010000000000000003"},
            "database": {"id": 1, "repo-key": 1},
            "label": label,
            "timestamp": {"start": BEGUN + later, "stop": BEGUN + later + 4},
            "type": kind,
        }
        for label, kind, later in (
            ("20261124-095130F", "full", 0),
            ("20261124-095130F_20261124-105130I", "incr", 3600),
        )
    ]
    archive = {
        "database": {"id": 1, "repo-key": 1},
        "id": "13-1",
        "max": "000000010000000000000004",
        "min": "000000010000000000000001",
    }
    stanza = {
        "archive": [archive],
        "backup": backups,
        "db": [{"id": 1, "repo-key": 1, "system-id": 7711, "version": "13"}],
        "name": "main",
        "status": {"code": 0, "message": "ok"},
    }
    return [{**stanza, **changes}]


def point(goal: Goal) -> Point:
    (stanza,) = parse_info(json.dumps(info()), "/r")
    return Point(stanza.backups[0], goal, datetime(2026, 11, 24, 9, 51, 36, tzinfo=UTC))


def test_backups_are_read_and_the_right_one_is_chosen() -> None:
    stanza = choose_stanza(parse_info(json.dumps(info()), "/r"), "/r")
    full, incremental = stanza.backups
    assert (full.kind, full.version, full.archive) == ("full", "13", "13-1")
    assert full.newest_wal.endswith("4") and full.wal_stop.endswith("3")
    assert backup_before(stanza, full.ended) is full
    assert backup_before(stanza, datetime(2027, 1, 1, tzinfo=UTC)) is incremental
    with pytest.raises(NotFoundError, match="ended at 2026-11-24 09:51:34 UTC"):
        backup_before(stanza, full.begun)


def test_what_is_no_repository_or_not_one_stanza_is_told() -> None:
    with pytest.raises(DamagedGenerationError, match="can't be read"):
        parse_info("no JSON", "/r")
    with pytest.raises(NotFoundError, match="no stanza"):
        parse_info("[]", "/r")
    with pytest.raises(NotFoundError, match="no valid backups"):
        status = {"code": 2, "message": "no valid backups"}
        parse_info(json.dumps(info(backup=[], status=status)), "/r")
    with pytest.raises(DamagedGenerationError, match="other") as caught:
        parse_info(json.dumps(info(status={"code": 99, "message": "other"})), "/r")
    assert "PRA_PGBACKREST_PASSPHRASE" in caught.value.hint
    two = parse_info(json.dumps(info() + info(name="test")), "/r")
    with pytest.raises(UsageError, match="main, test") as several:
        choose_stanza(two, "/r")
    assert "pgbackrest:/r/backup/main" in several.value.hint


def test_a_restore_is_cut_off_from_production() -> None:
    argv = restore("main", point(Goal.MOMENT), 2)
    assert "--target=2026-11-24 09:51:36.000000+00" in argv and "--type=time" in argv
    assert "--archive-mode=off" in argv and "--log-level-file=off" in argv
    assert "--type=immediate" in restore("main", point(Goal.BACKUP), 2)
    assert "--type=default" in restore("main", point(Goal.ARCHIVE), 2)
    options = start(CONTROL)[-1]
    for setting in ("primary_conninfo=", "archive_command=", "max_connections=250"):
        assert f"-c {setting}" in options
    assert "max_prepared_transactions=7" in options


def test_pg_controldata_is_read() -> None:
    names = ("connections", "worker_processes", "wal_senders", "prepared_xacts", "locks_per_xact")
    text = "".join(f"max_{name} setting:     {n}\n" for n, name in enumerate(names))
    control = parse_control(text + "Bytes per WAL segment:   16777216\n")
    assert control.segment_size == 16 << 20
    assert ("max_prepared_transactions", "3") in control.limits
    with pytest.raises(DamagedGenerationError):
        parse_control("")


def test_the_consistency_point_is_never_later_than_what_came_back() -> None:
    moment = point(Goal.MOMENT)
    stopped = "LOG:  recovery stopping before commit of transaction 5\n" + REPLAYED
    assert consistency_point(stopped, moment) == moment.moment
    with pytest.raises(NotFoundError):
        consistency_point(REPLAYED, moment)
    end = point(Goal.ARCHIVE)
    assert utc_text(consistency_point(REPLAYED, end)) == "2026-11-24 09:51:36.5 UTC"
    assert consistency_point("LOG:  redo is not required\n", end) == end.backup.begun


def test_a_gap_is_told_from_the_end_of_the_archive() -> None:
    end, moment = point(Goal.ARCHIVE), point(Goal.MOMENT)
    require_all_replayed(REPLAYED, CONTROL, end)
    assert isinstance(failure(REPLAYED + TOO_SHORT, CONTROL, moment), NotFoundError)
    farther = replace(end.backup, newest_wal="000000010000000100000001")
    with pytest.raises(DamagedGenerationError, match="000000010000000000000005 can't be had"):
        require_all_replayed(REPLAYED, CONTROL, replace(end, backup=farther))
    found = failure(REPLAYED + TOO_SHORT, CONTROL, replace(moment, backup=farther))
    assert isinstance(found, DamagedGenerationError)


def test_other_failures_keep_their_own_words() -> None:
    cut = failure("FATAL:  WAL ends before end of online backup\n", CONTROL, point(Goal.BACKUP))
    assert isinstance(cut, DamagedGenerationError) and "online backup" in cut.message
    other = failure("FATAL:  no room\n", CONTROL, point(Goal.BACKUP))
    assert isinstance(other, EnvironmentFailure) and "no room" in other.message


def test_options_that_do_not_go_together_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "backup").mkdir()
    place = f"pgbackrest:{tmp_path}"
    repository = ["--repository", str(tmp_path / "made")]
    assert run(["import", f"odoo-zip:{tmp_path}", "--at", "2026-11-23"]) == ExitCode.USAGE
    assert run(["import", place, "--at", "yesterday", *repository]) == ExitCode.USAGE
    assert "is no date" in capsys.readouterr().err
    assert run(["import", place, "--at", "2999-01-01", *repository]) == ExitCode.USAGE
    assert "in the future" in capsys.readouterr().err
    assert run(["drill", "--at", "2026-11-23"]) == ExitCode.USAGE
    monkeypatch.setenv("PRA_PGBACKREST_PASSPHRASE_FILE", str(tmp_path / "absent"))
    assert run(["import", place, *repository]) == ExitCode.USAGE


def test_a_mapping_is_of_dumps_or_of_a_physical_backup(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "repository" / "backup").mkdir(parents=True)
    path = tmp_path / "mapping.yaml"
    path.write_text("pgbackrest: repository\ntime: 2026-11-23T18:00:00Z\n", encoding="utf-8")
    assert run(["import", f"pgbackrest:{path}"]) == ExitCode.USAGE
    assert "time: the physical backup tells it itself" in capsys.readouterr().err
    path.write_text("pgbackrest: repository\n", encoding="utf-8")
    assert run(["import", f"folder:{path}"]) == ExitCode.USAGE
    assert "use layout pgbackrest" in capsys.readouterr().err
    path.write_text("erp: {series: '14.0'}\n", encoding="utf-8")
    assert run(["import", f"pgbackrest:{path}"]) == ExitCode.USAGE
    assert "'databases' is a required property" in capsys.readouterr().err
