"""The tables of AsyncMQ's commands and of its dashboard's addresses are run as they stand."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator

import psycopg
import pytest
from click.testing import CliRunner
from werkzeug.test import Client as WebClient

import pgq
from pgq.cli import cli
from pgq.contrib.web.access import ALL, Access
from pgq.contrib.web.app import Dashboard
from tests.sources import CHECKOUT

PAGE = (CHECKOUT / "docs/how-to/from-asyncmq.md").read_text()
# These run until they are told to end; that they know the options is enough.
ENDLESS = {"worker", "top", "metrics", "tail"}


def cells(title: str) -> list[str]:
    """Return the second column of the table of a section."""
    section = PAGE.partition(f"## {title}\n")[2].partition("\n## ")[0]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
    assert len(rows) > 10
    return [row[1].removesuffix(" |") for row in rows]


def marked(title: str, begin: str) -> list[str]:
    return [
        each
        for cell in cells(title)
        for each in re.findall(r"`([^`]+)`", cell)
        if each.startswith(begin)
    ]


@pytest.mark.parametrize("command", dict.fromkeys(marked("Commands", "pgq ")))
def test_a_command(command: str, dsn: str, client: pgq.Client) -> None:
    client.schedule("NAME", "t", cron="@daily")
    if "schedule resume" in command:
        client.pause_schedule("NAME")
    if "pgq resume" in command:
        client.pause_queue("QUEUE")
    job_id = client.enqueue("t", queue="QUEUE", delay=3600)
    words = shlex.split(command.replace("ID", str(job_id)))[1:]
    if words[0] in ENDLESS:
        words = [words[0], "--help"]
    elif not words[0].startswith("-") and words[0] != "config":
        words += ["--dsn", dsn]
    result = CliRunner().invoke(cli, words, env={"PGQ_DSN": dsn})
    assert result.exit_code == 0, result.output


@pytest.fixture
def web(dsn: str) -> Iterator[WebClient]:
    dashboard = Dashboard(dsn, authorize=lambda _: Access("local", ALL))
    yield WebClient(dashboard.wsgi)
    dashboard.close()


def test_the_addresses(web: WebClient, client: pgq.Client, conn: psycopg.Connection) -> None:
    job_id = client.enqueue("t", queue="QUEUE")
    addresses = dict.fromkeys(marked("Dashboard", "/"))
    assert len(addresses) > 8
    for address in addresses:
        answer = web.get(
            address.replace("ID", str(job_id)),
            headers={"Host": "localhost"},
            environ_overrides={"REMOTE_ADDR": "127.0.0.1"},
        )
        assert answer.status_code == 200, (address, answer.text)
