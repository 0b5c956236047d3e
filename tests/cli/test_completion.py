"""Completion of names: queues, tasks, schedules, wherever a command takes one."""

from __future__ import annotations

import time

import click
import pytest
from click.shell_completion import ShellComplete

import pgq as package
from pgq.cli import cli
from pgq.cli.completion import Name
from tests.cli.conftest import Pgq


def completed(*words: str) -> list[str]:
    *args, incomplete = words
    return [
        item.value
        for item in ShellComplete(cli, {}, "pgq", "_PGQ_COMPLETE").get_completions(args, incomplete)
    ]


@pytest.fixture
def busy(client: package.Client) -> None:
    client.enqueue("send_mail", queue="mail")
    client.enqueue("send_bill", queue="mail-bulk")
    client.enqueue("evil", queue="mail\x1b[2J")
    client.pause_queue("images")
    client.schedule("nightly", "report", cron="0 3 * * *")
    for job in client.claim_batch(["*"], batch_size=2):
        client.complete_batch([job.job_id], [job.claim_id])


@pytest.mark.slow
@pytest.mark.usefixtures("pgq", "busy")
def test_names_that_are_there_are_offered() -> None:
    assert completed("pause", "m") == ["mail", "mail-bulk"]
    assert completed("resume", "") == ["images", "mail", "mail-bulk"]
    assert completed("jobs", "--queue", "mail-") == ["mail-bulk"]
    assert completed("tail", "-q", "i") == ["images"]
    assert completed("cancel", "--task", "send_m") in (["send_mail"], [])
    assert completed("jobs", "--task", "s") != []
    assert completed("schedule", "show", "n") == ["nightly"]
    assert completed("prune", "--schedule", "") == ["nightly"]


def test_every_command_that_takes_a_name_completes_it() -> None:
    def walk(command: click.Command, path: str) -> list[str]:
        if isinstance(command, click.Group):
            return [
                bad for name, sub in command.commands.items() for bad in walk(sub, f"{path} {name}")
            ]
        return [
            f"{path} {param.name}"
            for param in command.params
            if param.name in {"queue", "queues", "task", "tasks", "schedule"}
            and not isinstance(param.type, Name)
        ]

    assert walk(cli, "pgq") == []


def test_it_is_silent_where_there_is_no_database(
    nowhere: Pgq, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert completed("pause", "") == []
    monkeypatch.setenv("PGQ_DSN", "host=192.0.2.1 dbname=x")
    begun = time.monotonic()
    assert completed("pause", "") == []
    assert time.monotonic() - begun < 30
    monkeypatch.setenv("PGQ_DSN", "no such dsn")
    assert completed("pause", "") == []
    assert capsys.readouterr() == ("", "")


def test_it_is_silent_where_there_is_no_schema(empty: Pgq) -> None:
    assert completed("pause", "") == []
