"""A worker that logs in JSON writes nothing else to stderr, no matter who speaks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Pgq

TASKS = """
import logging
import threading
import warnings

import pgq

class Odd:
    def __str__(self):
        raise SystemExit(1)

@pgq.on_start
def hook(process):
    raise ValueError("of the hook")

@pgq.task
def speak():
    log = logging.getLogger("their.own")
    log.warning("two\\nlines")
    log.warning("%d and %s", "no number")
    log.warning("odd %s", Odd(), extra={"odd": Odd(), "nan": float("nan"), "deep": {1: [Odd()]}})
    log.warning("\\ud800 half", extra={"\\udfff": 1, "big": 10 ** 5000, "long": "x" * 10 ** 7})
    try:
        raise ValueError("caught")
    except ValueError:
        log.exception("an error", stack_info=True)
    warnings.warn("a warning")
    thread = threading.Thread(target=lambda: 1 / 0, name="theirs")
    thread.start()
    thread.join()

    class Deleted:
        def __del__(self):
            raise OSError("in __del__")

    Deleted()

@pgq.task(context=True)
def pool(context):
    logging.getLogger("psycopg.pool").warning("error connecting in 'pool-1': no")
    with context.transaction() as connection:
        connection.execute("select 1")

@pgq.task
def fail():
    raise ValueError("wrong")
"""


def lines_of(text: str) -> list[dict[str, Any]]:
    """All lines of a log, each of which has the keys that every line has."""
    lines = [json.loads(line) for line in text.rstrip("\n").split("\n")]
    for line in lines:
        assert {"time", "level", "logger", "event", "message"} <= line.keys()
        assert len(json.dumps(line)) < 200_000
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 2])
def test_every_line_is_json(pgq: Pgq, tmp_path: Path, processes: int) -> None:
    (tmp_path / "spoken.py").write_text(TASKS)
    ids = [pgq.json("enqueue", task)["id"] for task in ("speak", "pool", "fail")]
    options = ["--drain", "--json", "--processes", processes]
    _, err = pgq.run("worker", "spoken", *options, cwd=tmp_path)
    assert [pgq.json("job", each, code=0)["state"] for each in ids[:2]] == ["succeeded"] * 2
    lines = lines_of(err)
    theirs = [line for line in lines if line["logger"] == "their.own"]
    assert [line["event"] for line in theirs] == ["log.other"] * 5
    assert theirs[0]["message"] == "two\nlines"
    assert theirs[1]["message"].startswith("%d and %s")
    assert "cannot be printed" in theirs[2]["odd"] and theirs[2]["nan"] == "nan"
    assert len(theirs[3]["long"]) <= 10_000
    assert "ValueError: caught" in theirs[4]["traceback"] and theirs[4]["stack"]
    assert [line["level"] for line in lines if line["logger"] == "psycopg.pool"] == ["warning"]
    assert any(line["logger"] == "py.warnings" and "a warning" in line["message"] for line in lines)
    by_event = {line["event"]: line for line in lines}
    assert by_event["thread.failed"]["error_type"] == "ZeroDivisionError"
    assert by_event["thread.failed"]["where"] == "theirs"
    assert by_event["error.unraisable"]["error"] == "in __del__"
    assert by_event["job.retried"]["error"] == "wrong"
    assert by_event["hook.failed"]["error"] == "of the hook"


@pytest.mark.slow
def test_how_it_ended_is_json_too(pgq: Pgq, tmp_path: Path) -> None:
    (tmp_path / "spoken.py").write_text(TASKS)
    dsn = "host=127.0.0.1 port=1 dbname=nowhere"
    options = ["--json", "--dsn", dsn, "--schema-timeout", "0.5s"]
    _, err = pgq.run("worker", "spoken", *options, code=3, cwd=tmp_path)
    last = lines_of(err)[-1]
    assert (last["event"], last["level"]) == ("process.failed", "critical")
    assert "cannot reach" in last["error"] and last["hint"]


@pytest.mark.slow
def test_an_error_that_nobody_expects_is_json_too(pgq: Pgq, tmp_path: Path) -> None:
    (tmp_path / "spoken.py").write_text(TASKS + "\nraise RuntimeError('at the import')\n")
    with pgq.start("worker", "spoken", "--json", cwd=tmp_path) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode
    assert "at the import" in json.dumps(lines_of(err)[-1])
