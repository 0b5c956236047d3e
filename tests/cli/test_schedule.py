"""The group schedule: add, list, show, pause, resume, run, remove, next, sync."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from pgq.cli import cli
from pgq.rows import ScheduleFire, ScheduleStatus
from tests.cli.conftest import Pgq, eventually
from tests.servers import Travel


@pytest.mark.slow
def test_add_list_show_and_remove(pgq: Pgq) -> None:
    options = ["--args", '{"kind": "full"}', "-q", "mail", "--overlap", "skip"]
    more = ["--catch-up", "all", "--description", "for the boss", "--priority", "3"]
    said = pgq("schedule", "add", "s", "report", "--every", "1h30m", *options, *more).stdout
    assert said.startswith("s runs next at ") and said.endswith(" UTC\n")
    (found,) = pgq.json("schedule", "list")
    assert tuple(found) == ScheduleStatus._fields
    assert (found["task"], found["queue"], found["overlap"]) == ("report", "mail", "skip")
    assert "every 01:30:00" in pgq("schedule", "list").stdout
    shown = pgq("schedule", "show", "s").stdout
    assert "for the boss" in shown and "no fires yet" in shown and "next runs" in shown
    record = pgq.json("schedule", "show", "s")
    assert record["next_runs"][0] == record["next_run_at"]
    assert len(set(record["next_runs"])) == 5
    assert pgq("schedule", "remove", "s").stdout == "s is removed\n"
    assert pgq("schedule", "remove", "s", code=1).stdout == "s is no schedule\n"
    assert pgq.json("schedule", "remove", "s", code=1) == {"name": "s", "removed": False}
    assert pgq("schedule", "list").stdout == "no schedules\n"
    assert "there is no schedule s" in pgq("schedule", "show", "s", code=1).stderr


def test_a_cron_schedule_is_shown_in_its_zone(pgq: Pgq) -> None:
    zone = ["--timezone", "Asia/Kolkata"]
    answer = pgq.json("schedule", "add", "s", "t", "--cron", "30 2 * * *", *zone)
    assert answer["next_run_at"].endswith("T21:00:00+00:00")
    record = pgq.json("schedule", "show", "s")
    assert all(at.endswith("T21:00:00+00:00") for at in record["next_runs"])
    assert len(set(record["next_runs"])) == 5
    assert "02:30:00 IST" in pgq("schedule", "show", "s").stdout


@pytest.mark.slow
def test_what_fired_is_shown(pgq: Pgq, conn: psycopg.Connection, travel: Travel) -> None:
    pgq("schedule", "add", "s", "t", "--every", "1m")
    travel("61 seconds")
    conn.execute("select pgq.fire_due_schedules()")
    (fire,) = pgq.json("schedule", "show", "s")["fires"]
    assert tuple(fire) == ScheduleFire._fields
    assert (fire["outcome"], fire["job_state"]) == ("enqueued", "ready")
    assert "enqueued" in pgq("schedule", "show", "s").stdout
    assert "enqueued" in pgq("schedule", "list").stdout


@pytest.mark.slow
def test_pause_resume_and_run(pgq: Pgq) -> None:
    pgq("schedule", "add", "s", "t", "--every", "1h")
    assert pgq("schedule", "pause", "s").stdout == "s is paused\n"
    assert pgq("schedule", "pause", "s", code=1).stdout == "s was paused\n"
    assert "paused" in pgq("schedule", "list").stdout
    assert "no next run: it is paused" in pgq("schedule", "show", "s").stdout
    job_id = pgq("schedule", "run", "s").stdout.strip()
    assert pgq.json("job", job_id)["task"] == "t"
    assert pgq.json("schedule", "resume", "s") == {"name": "s", "was_paused": True}
    assert pgq("schedule", "resume", "s", code=1).stdout == "s was not paused\n"
    for command in ("pause", "resume", "run"):
        assert "nope" in pgq("schedule", command, "nope", code=2).stderr


def test_next_shows_a_spring_night(pgq: Pgq) -> None:
    args = ["30 2 * * *", "-n", "2", "--timezone", "Europe/Berlin", "--after", "2026-03-28T12:00Z"]
    assert pgq("schedule", "next", *args).stdout == (
        "Sun 2026-03-29 03:00:00 CEST\nMon 2026-03-30 02:30:00 CEST\n"
    )
    assert pgq.json("schedule", "next", *args) == [
        "2026-03-29T01:00:00+00:00",
        "2026-03-30T00:30:00+00:00",
    ]
    assert len(pgq.json("schedule", "next", "@daily")) == 5


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["next", "0 25 * * *"], "hour"),
        (["next", "* * * * * *"], "five"),
        (["next", "@daily", "--timezone", "Mars"], "Mars"),
        (["add", "s", "t"], "neither cron nor every"),
        (["add", "s", "t", "--cron", "@daily", "--every", "5m"], "both cron and every"),
        (["add", "s", "t", "--every", "soon"], "no length of time"),
        (["add", "s", "t", "--every", "5m", "--args", "{"], "not JSON"),
        (["add", "s", "", "--every", "5m"], "task"),
        (["sync", "nowhere.toml"], "cannot read nowhere.toml"),
    ],
)
def test_what_makes_no_sense_is_explained(args: list[str], said: str, pgq: Pgq) -> None:
    assert said in pgq("schedule", *args, code=2).stderr
    assert pgq.json("schedule", "list") == []


def test_sync_makes_a_file_so(pgq: Pgq, tmp_path: Path) -> None:
    file = tmp_path / "times.toml"
    file.write_text(
        '[schedules.a]\ntask = "t"\nevery = 60\n[schedules.b]\ntask = "t"\ncron = "@daily"'
    )
    changes = pgq.json("schedule", "sync", file)
    assert changes == [{"name": name, "change": "added"} for name in ("a", "b")]
    file.write_text('[schedules.b]\ntask = "t"\ncron = "@daily"')
    said = pgq("schedule", "sync", file).stdout.split()
    assert said == ["name", "change", "a", "removed", "b", "unchanged"]
    assert "times.toml" in pgq("schedule", "remove", "b", code=2).stderr
    file.write_text("")
    pgq("schedule", "sync", file)
    assert pgq("schedule", "sync", file).stdout == f"no schedules in {file}\n"


APP = """
import pgq

@pgq.task(every=0.2)
def declared():
    return "done"
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "recurring.py").write_text(APP)
    (tmp_path / "times.toml").write_text('[schedules.listed]\ntask = "declared"\nevery = 0.2\n')
    return tmp_path


@pytest.mark.slow
def test_a_worker_makes_and_fires_what_its_modules_and_its_file_declare(
    pgq: Pgq, app: Path
) -> None:
    with pgq.start("worker", "recurring", "--schedules", "times.toml", cwd=app) as process:
        for name in ("declared", "listed"):
            eventually(
                lambda name=name: [
                    fire
                    for found in pgq.json("schedule", "list")
                    if found["name"] == name
                    for fire in pgq.json("schedule", "show", name)["fires"]
                    if fire["job_state"] == "succeeded"
                ]
            )
        process.terminate()
        process.communicate(timeout=30)
    sources = {found["name"]: found["source"] for found in pgq.json("schedule", "list")}
    assert sources == {"declared": "recurring", "listed": "file:times.toml"}
    pgq.run("worker", "recurring", "--schedules", "none.toml", code=2, cwd=app)


@pytest.mark.slow
def test_a_worker_without_schedules_leaves_them_alone(pgq: Pgq, app: Path) -> None:
    for option in ("--no-schedules", "--drain"):
        with pgq.start("worker", "recurring", option, cwd=app) as process:
            if option == "--no-schedules":
                eventually(lambda: [w["status"] for w in pgq.json("stats")["workers"]] == ["idle"])
                process.terminate()
            process.communicate(timeout=30)
        assert process.returncode == 0
        assert pgq.json("schedule", "list") == []


@pytest.mark.slow
def test_the_owner_of_declared_schedules_can_be_named(pgq: Pgq, app: Path) -> None:
    with pgq.start("worker", "recurring", "--schedule-source", "ops", cwd=app) as process:
        eventually(lambda: [s["source"] for s in pgq.json("schedule", "list")] == ["ops"])
        process.terminate()
        process.communicate(timeout=30)
    _, err = pgq.run("worker", "recurring", code=2, cwd=app)
    assert "declared" in err and "ops" in err and "Traceback" not in err


@pytest.mark.parametrize("name", sorted(cli.commands["schedule"].commands))  # type: ignore[attr-defined]
def test_every_subcommand_explains_itself_with_an_example(name: str, nowhere: Pgq) -> None:
    text = nowhere("schedule", name, "--help").stdout
    assert f"pgq schedule {name}" in text.partition("Options:")[0].partition("\n")[2]
    assert "--json" in text
    listed = nowhere("schedule", "--help").stdout.partition("Commands:")[2]
    assert f"  {name} " in listed and "..." not in listed
