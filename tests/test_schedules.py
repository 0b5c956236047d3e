"""Schedules from Python: bindings against the real functions, registries, files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

import pgq
from pgq.schedule_files import read_schedules
from tests.servers import Travel

START = datetime(2040, 1, 1, 12, tzinfo=UTC)


@pytest.fixture
def client(conn: psycopg.Connection) -> pgq.Client:
    return pgq.Client(conn)


@pytest.fixture
def registry() -> pgq.Registry:
    return pgq.Registry()


def only(client: pgq.Client) -> pgq.rows.ScheduleStatus:
    (found,) = client.schedule_status()
    return found


def test_every_option_arrives(client: pgq.Client) -> None:
    next_run_at = client.schedule(
        "s",
        "report",
        every=timedelta(minutes=5),
        args={"kind": "ü"},
        queue="mail",
        priority=-5,
        catch_up="all",
        overlap="skip",
        max_attempts=3,
        backoff=["1s", timedelta(minutes=1)],
        timeout=1.5,
        expires_in="2 hours",
        headers={"trace": 1},
        starts_at=START,
        catch_up_window=timedelta(hours=6),
        description="why",
    )
    assert next_run_at == START
    found = only(client)
    assert (found.name, found.task, found.queue, found.paused) == ("s", "report", "mail", False)
    assert (found.next_run_at, found.timezone) == (START, None)
    assert found.timing.startswith("every ")
    assert (found.catch_up, found.overlap, found.description) == ("all", "skip", "why")
    job = client.job(client.run_schedule_now("s"))
    assert job is not None
    assert (job.args, job.queue, job.priority, job.max_attempts) == ({"kind": "ü"}, "mail", -5, 3)
    assert job.timeout == timedelta(seconds=1.5)
    assert job.expires_at is not None
    assert job.headers is not None
    assert (job.headers["trace"], job.headers["schedule"]["name"]) == (1, "s")


def test_a_schedule_by_the_calendar(client: pgq.Client) -> None:
    client.schedule("s", "t", "30 2 * * *", timezone="Europe/Berlin")
    found = only(client)
    assert (found.timing, found.timezone) == ("30 2 * * *", "Europe/Berlin")
    assert found.next_run_at == client.cron_next("30 2 * * *", timezone="Europe/Berlin")
    spring = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert client.cron_preview("30 2 * * *", 2, spring, "Europe/Berlin") == [
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 3, 30, 0, 30, tzinfo=UTC),
    ]
    with pytest.raises(pgq.InvalidCron, match="hour") as caught:
        client.schedule("s", "t", "0 25 * * *")
    assert isinstance(caught.value, pgq.InvalidArgument)
    assert caught.value.hint


@pytest.mark.slow
def test_fire_and_look(client: pgq.Client, travel: Travel) -> None:
    client.schedule("s", "t", every=60)
    first = only(client).next_run_at
    assert first is not None
    firing = client.fire_due_schedules()
    assert (firing.fired, firing.next_run_at) == (0, first)
    assert firing.due_in is not None
    assert timedelta(seconds=50) < firing.due_in <= timedelta(seconds=60)
    travel("61 seconds")
    firing = client.fire_due_schedules(batch_size=10)
    assert (firing.fired, firing.next_run_at) == (1, first + timedelta(seconds=60))
    (fire,) = client.schedule_history("s")
    assert (fire.run_at, fire.outcome, fire.job_state) == (first, "enqueued", "ready")
    assert fire.delay is not None
    assert client.schedule_history("s", limit=0) == client.schedule_history("other") == []
    job = client.job(fire.job_id or 0)
    assert job is not None and job.run_at == first


@pytest.mark.slow
def test_pause_resume_and_remove(client: pgq.Client) -> None:
    client.schedule("s", "t", every="1 hour")
    assert client.pause_schedule("s") is True
    assert client.pause_schedule("s") is False
    assert only(client).paused
    assert client.resume_schedule("s") is True
    assert client.resume_schedule("s") is False
    assert client.schedule_status("other") == []
    assert client.schedule_status("s") == client.schedule_status()
    assert client.unschedule("s") is True
    assert client.unschedule("s") is False
    with pytest.raises(pgq.InvalidArgument, match="s"):
        client.pause_schedule("s")


def test_a_task_gives_its_options_and_the_call_goes_before_them(
    client: pgq.Client, registry: pgq.Registry
) -> None:
    @registry.task(queue="mail", priority=3, max_attempts=7)
    def send(user_id: int) -> None:
        pass

    client.schedule("by task", send, every=60, args={"user_id": 1})
    client.schedule("by job", send.job(2), every=60, priority=0)
    by_task, by_job = (client.job(client.run_schedule_now(f"by {it}")) for it in ("task", "job"))
    assert by_task is not None and by_job is not None
    assert (by_task.queue, by_task.priority, by_task.args) == ("mail", 3, {"user_id": 1})
    assert (by_job.queue, by_job.priority, by_job.args) == ("mail", 0, [2])
    again = pgq.NewJob("t", unique_key="k", on_conflict="replace")
    with pytest.raises(pgq.InvalidArgument, match="on_conflict") as caught:
        client.schedule("s", again, every=60)
    assert "overlap" in str(caught.value.hint)


def test_a_sync_adds_changes_and_removes(client: pgq.Client, registry: pgq.Registry) -> None:
    client.schedule("mine", "t", every=60)
    old = [pgq.NewSchedule(name, "t", every=60) for name in ("a", "b", "c")]
    assert {each.change for each in client.sync_schedules("code", old)} == {"added"}
    new = [
        old[0],
        pgq.NewSchedule("b", "t", every=60, args=[1]),
        pgq.NewSchedule("d", "t", "@daily"),
    ]
    assert client.sync_schedules("code", new) == [
        ("a", "unchanged"),
        ("b", "changed"),
        ("c", "removed"),
        ("d", "added"),
    ]
    assert [(each.name, each.source) for each in client.schedule_status()] == [
        ("a", "code"),
        ("b", "code"),
        ("d", "code"),
        ("mine", None),
    ]
    with pytest.raises(pgq.InvalidArgument):
        client.unschedule("a")
    with pytest.raises(pgq.InvalidArgument, match="mine"):
        client.sync_schedules("code", [pgq.NewSchedule("mine", "t", every=1)])
    assert len(client.sync_schedules("code", [])) == 3


def test_every_option_of_a_static_schedule_arrives(
    client: pgq.Client, conn: psycopg.Connection
) -> None:
    options: dict[str, Any] = {
        "every": timedelta(seconds=90), "args": [1], "queue": "q", "priority": 2,
        "catch_up": "skip", "overlap": "skip", "max_attempts": 4, "backoff": {"base": 5},
        "timeout": timedelta(minutes=1), "expires_in": 60, "headers": {"h": None},
        "starts_at": START, "catch_up_window": "2 days", "description": "d",
    }  # fmt: skip
    client.schedule("dynamic", "t", **options)
    client.sync_schedules("code", [pgq.NewSchedule("static", "t", **options)])
    dynamic, static = client.schedule_status()
    # The same spans of time are stored as they were written.
    spans = {"timeout": "60000000 microseconds", "expires_in": "60000000 microseconds"}
    job = {**dynamic.job, **spans}
    assert static == dynamic._replace(name="static", source="code", job=job)
    for name in ("dynamic", "static"):
        client.run_schedule_now(name)
    rows = conn.execute(
        "select to_jsonb(j) - array["
        "'id', 'run_at', 'created_at', 'ready_at', 'expires_at', 'unique_key', 'headers']"
        ", headers - 'schedule', expires_at - run_at from pgq.jobs as j"
    ).fetchall()
    assert len(rows) == 2 and rows[0] == rows[1]
    assert rows[0][1:] == ({"h": None}, timedelta(minutes=1))


def test_tasks_declare_schedules(registry: pgq.Registry) -> None:
    @registry.task(cron="*/5 * * * *", timezone="Europe/Berlin", queue="mail")
    def clean_up() -> None:
        pass

    @registry.task("poll", every=30, overlap="skip", catch_up="skip", context=True)
    async def poll(context: pgq.Context) -> None:
        pass

    @registry.task(cron=None)
    def plain(path: str) -> None:
        pass

    registry.schedule("b", plain, cron="@daily", args=["/tmp"])
    registry.schedule("a", "elsewhere", every="1 hour", args={"x": 1})
    assert registry.schedules == [
        pgq.NewSchedule("a", "elsewhere", every="1 hour", args={"x": 1}),
        pgq.NewSchedule("b", "plain", cron="@daily", args=["/tmp"]),
        pgq.NewSchedule(
            "clean_up", "clean_up", "*/5 * * * *", timezone="Europe/Berlin", queue="mail"
        ),
        pgq.NewSchedule("poll", "poll", every=30, overlap="skip", catch_up="skip"),
    ]


def test_what_is_declared_wrongly_is_refused_at_once(registry: pgq.Registry) -> None:
    def handle(path: str) -> None:
        pass

    task = registry.task("t")(handle)
    with pytest.raises(pgq.InvalidArgument, match="'s' has neither cron nor every"):
        registry.schedule("s", task, args=["x"], timezone="UTC")
    with pytest.raises(pgq.InvalidArgument, match="both cron and every"):
        registry.schedule("s", task, args=["x"], cron="@daily", every=5)
    with pytest.raises(pgq.InvalidArgument, match="path") as caught:
        registry.schedule("s", task, every=5)
    assert "args=" in str(caught.value.hint)
    with pytest.raises(pgq.InvalidArgument, match="do not fit"):
        registry.task("scheduled", every=5)(handle)
    assert registry.names == ["t"]
    assert registry.schedules == []


def test_two_schedules_cannot_have_one_name(registry: pgq.Registry) -> None:
    def handle() -> None:
        pass

    registry.task("t", every=5)(handle)
    registry.task("t", every=6)(handle)
    assert [each.every for each in registry.schedules] == [6]
    registry.schedule("s", "t", every=5)
    registry.schedule("s", "t", every=5)
    for name in ("s", "t"):
        with pytest.raises(pgq.InvalidArgument, match=f"two schedules are called '{name}'"):
            registry.schedule(name, "t", every=7)
    with pytest.raises(pgq.InvalidArgument, match="two schedules are called 's'"):
        registry.task("s", every=7)(handle)
    assert [each.name for each in registry.schedules] == ["s", "t"]


FILE = """
[schedules.nightly]
task = "report"
cron = "30 2 * * mon-fri"
timezone = "Europe/Berlin"
args = { kind = "daily" }
catch_up = "all"

[[schedule]]
name = "poll"
task = "fetch"
every = 1.5
priority = 1
backoff = [1, "5s"]
concurrency_key = "polls"
concurrency_limit = 2
concurrency_duration = "15 minutes"
unique_key = "poll"
unique_for = 90
starts_at = 2040-01-01T12:00:00Z
"""


@pytest.mark.slow
def test_a_file_declares_schedules(tmp_path: Path, client: pgq.Client) -> None:
    path = tmp_path / "times.toml"
    path.write_text(FILE)
    source, schedules = read_schedules(path)
    assert source == "file:times.toml"
    assert [each.name for each in schedules] == ["nightly", "poll"]
    assert len(client.sync_schedules(source, schedules)) == 2
    nightly, poll = client.schedule_status()
    assert (nightly.timing, nightly.timezone) == ("30 2 * * mon-fri", "Europe/Berlin")
    assert (nightly.catch_up, nightly.source) == ("all", "file:times.toml")
    assert (poll.timezone, poll.next_run_at) == (None, START)
    path.write_text('source = "ops"\n')
    assert read_schedules(str(path)) == ("ops", [])


@pytest.mark.parametrize(
    ("text", "said", "hint"),
    [
        ("nonsense", "is not TOML", None),
        ("evry = 1", "unknown key evry", "Known are schedule, schedules, source."),
        ("source = 1", "source is not a text", None),
        ("schedules = 1", "schedules is not a table", "[schedules.NAME]"),
        ("[schedule]", "schedule is no array of tables", "[[schedule]]"),
        ("[schedules]\na = 1", "schedules.a is not a table", None),
        ("[schedules.a]\nevery = 1", "schedules.a has no task", None),
        ("[[schedule]]\ntask = 't'", "schedule 1 has no name", None),
        ("[schedules.a]\ntask = 't'", "schedules.a: schedule 'a' has neither", "one of the two"),
        ("[schedules.a]\nevry = 1", "schedules.a: unknown key evry", "Did you mean every?"),
        ("[schedules.a]\nname = 'b'", "schedules.a: unknown key name", None),
        ("[schedules.a]\npriority = true", "priority is not a whole number", None),
        ("[schedules.a]\ntask = 5", "task is not a text", None),
        ("[schedules.a]\nstarts_at = 2030-01-01T00:00:00", "a time with an offset", None),
        ("[schedules.a]\ntask='t'\nevery=1\n[[schedule]]\nname='a'\ntask='t'\nevery=1",
         "two schedules are called 'a'", None),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_file_is_named_with_its_place(
    tmp_path: Path, text: str, said: str, hint: str | None
) -> None:
    path = tmp_path / "times.toml"
    path.write_text(text)
    with pytest.raises(pgq.InvalidArgument) as caught:
        read_schedules(path)
    assert str(path) in caught.value.message and said in caught.value.message
    assert hint is None or hint in str(caught.value.hint)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(pgq.InvalidArgument, match=r"cannot read .*none\.toml: No such file"):
        read_schedules(tmp_path / "none.toml")
