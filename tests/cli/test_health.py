"""health, doctor."""

from __future__ import annotations

import json
import re

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

import pgq as package
from pgq.cli import health as commands
from pgq.version import PROTOCOL, __version__
from tests.cli.conftest import CHECKOUT, Pgq
from tests.servers import Travel
from tests.sql.calls import enqueue, register, rows


@pytest.fixture
def well(conn: psycopg.Connection) -> psycopg.Connection:
    register(conn, lease="1 hour", version=__version__, protocol=PROTOCOL)
    rows(conn, "maintain")
    return conn


@pytest.mark.slow
def test_health_is_good(pgq: Pgq, well: psycopg.Connection) -> None:
    said = pgq("health").stdout
    assert said.startswith("check") and " fail " not in said and " warn " not in said
    answer = pgq.json("health", "--strict", "--require-version", __version__)
    assert answer["status"] == "ok"
    assert tuple(answer["checks"][0]) == ("name", "status", "value", "reason", "hint", "meaning")


def test_health_is_bad(pgq: Pgq) -> None:
    assert "no worker has registered" in pgq("health", code=1).stdout
    answer = pgq.json("health", code=1)
    assert answer["status"] == "fail"
    assert "workers" in [check["name"] for check in answer["checks"] if check["status"] == "fail"]


@pytest.mark.slow
def test_warnings_fail_only_on_request(pgq: Pgq, well: psycopg.Connection) -> None:
    register(well, queues=["other"], lease="1 hour")
    well.execute("update pgq.workers set queues = '{other}'")
    enqueue(well)
    assert pgq.json("health")["status"] == "warn"
    assert pgq.json("health", "--strict", code=1)["status"] == "warn"


@pytest.mark.slow
def test_limits_of_health(pgq: Pgq, well: psycopg.Connection, travel: Travel) -> None:
    enqueue(well)
    travel("20 seconds")
    pgq("health", "--max-age", "30s", "--max-lag", "1m")
    assert "waited 20 s" in pgq("health", "--max-lag", "10s", code=1).stdout
    assert "no worker is alive" in pgq("health", "--max-age", "10s", code=1).stdout


@pytest.mark.slow
@pytest.mark.parametrize(("wanted", "code"), [("0.0.9", 0), (__version__, 0), ("99.0", 1)])
def test_health_of_a_version(pgq: Pgq, well: psycopg.Connection, wanted: str, code: int) -> None:
    assert pgq.json("health", "--require-version", wanted, code=code)["checks"]


def test_health_refuses_what_is_no_version(pgq: Pgq) -> None:
    assert "no version" in pgq("health", "--require-version", "newest", code=2).stderr


@pytest.mark.slow
def test_a_deep_look_says_more(pgq: Pgq, well: psycopg.Connection) -> None:
    shallow = [check["name"] for check in pgq.json("health")["checks"]]
    deep = [check["name"] for check in pgq.json("health", "--deep")["checks"]]
    assert deep[: len(shallow)] == shallow and {"invariants", "connections"} <= set(deep)


@pytest.mark.parametrize("command", ["health", "doctor"])
def test_without_a_database(nowhere: Pgq, empty: Pgq, command: str) -> None:
    dead = make_conninfo(host="127.0.0.1", port=1, dbname="app")
    told = nowhere(command, "--dsn", dead, code=3).stderr
    assert told.splitlines()[0].startswith('Error: cannot reach the database "app"')
    assert "pgq migrate" in empty(command, code=3).stderr


@pytest.mark.slow
def test_the_doctor_names_the_disease_and_the_cure(pgq: Pgq, conn: psycopg.Connection) -> None:
    said = pgq("doctor", code=1).stdout
    assert "FAIL  workers: no worker has registered\n" in said
    assert "      means: No job runs" in said
    assert "      cure:  Start one, such as: pgq worker" in said
    found = pgq.json("doctor", code=1)
    assert {row["status"] for row in found} <= {"fail", "warn"}
    assert [row["status"] for row in found] == sorted(row["status"] for row in found)
    assert all(row["meaning"] and row["hint"] for row in found)


@pytest.mark.slow
def test_the_doctor_leads_to_the_pages(
    pgq: Pgq, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGQ_WEB_URL", "https://pgq.example.com/tools")
    said = pgq("doctor", code=1).stdout
    assert "page:  https://pgq.example.com/tools/health#check-workers" in said
    assert "more: https://pgq.example.com/tools/health" in pgq("health", code=1).output


@pytest.mark.slow
def test_the_doctor_finds_nothing(pgq: Pgq, well: psycopg.Connection) -> None:
    assert pgq.json("doctor") == []
    guide = (CHECKOUT / "docs/how-to/health-and-alerts.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \|", guide, flags=re.MULTILINE)
    assert {"clock", "listen"} < set(listed)
    assert pgq("doctor").stdout == f"all {len(listed)} well\n"


@pytest.mark.slow
def test_the_doctor_hears_of_a_pooler(
    pgq: Pgq, well: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A transaction pooler takes the LISTEN, and nothing ever comes.
    monkeypatch.setattr(psycopg.Connection, "notifies", lambda *args, **options: iter(()))
    (found,) = [row for row in pgq.json("doctor") if row["name"] == "listen"]
    assert found["status"] == "warn" and "--listen-dsn" in found["hint"]


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "words"), [("1 hour", "behind"), ("-1 hour", "ahead of")])
def test_the_doctor_compares_the_clocks(
    pgq: Pgq, well: psycopg.Connection, travel: Travel, shift: str, words: str
) -> None:
    travel(shift)
    answer = json.loads(pgq.anyhow("doctor", "--json").stdout)
    (found,) = [row for row in answer if row["name"] == "clock"]
    assert found["status"] == "warn" and 3595 < found["value"] <= 3605
    assert f"{words} the database's" in found["reason"] and "NTP" in found["hint"]
    travel("-1 hour" if shift == "1 hour" else "1 hour")
    assert pgq.json("doctor") == []


@pytest.mark.slow
def test_the_doctor_on_a_server_that_only_reads(
    pgq: Pgq, well: psycopg.Connection, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a standby, where LISTEN is refused by the same SQLSTATE."""

    def refuse(*args: object) -> bool:
        raise psycopg.errors.ReadOnlySqlTransaction

    monkeypatch.setattr(commands, "_hears", refuse)
    (found,) = pgq.json("doctor")
    assert (found["name"], found["status"]) == ("listen", "warn") and "primary" in found["hint"]


@pytest.mark.slow
def test_terminals_are_not_steered(pgq: Pgq, well: psycopg.Connection) -> None:
    well.execute("update pgq.workers set queues = '{none}'")
    enqueue(well, queue="a\x1b[2Jb")
    assert "\x1b" not in pgq("doctor").stdout + pgq("health").stdout


@pytest.mark.slow
def test_both_clients_ask(dsn: str, well: psycopg.Connection) -> None:
    with package.Client(dsn) as client:
        found = client.health()
        assert {check.status for check in found} == {"ok"}
        assert isinstance(found[0], package.rows.HealthCheck)
        assert isinstance(client.connection_budget(), package.rows.ConnectionBudget)
