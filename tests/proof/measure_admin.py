"""Measure Django's admin: python -m tests.proof.measure_admin [--dsn DSN] ...; judges nothing.

Asks each page of the admin in a database with a million ready jobs, 200,000 scheduled and a million
finished ones. Prints how many statements a page sends, and how many blocks of tables and indexes
they read in a new session, and the dearest of them.

With --dsn it measures in that database, which has the jobs and gets Django's tables. Without, it
makes one on a temporary server; --history 60000 --ready 6000 --scheduled 1200 takes seconds.
"""

from __future__ import annotations

import argparse
import json
import re
from typing import Any, Final

import psycopg
from psycopg.conninfo import make_conninfo

from tests.contrib.django_settings import configure, point_to
from tests.proof.measure_engine import database
from tests.proof.measure_looks import Sizes, fill
from tests.proof.measure_pages import Cost

_QUESTION: Final = re.compile(r"\s*(select|with)\b", re.IGNORECASE)


def addresses(conn: psycopg.Connection) -> dict[str, str]:
    """Return what to ask, by what it shows; of jobs that there are."""

    def one(query: str) -> Any:
        row = conn.execute(query.encode()).fetchone()
        return row[0] if row else None

    ready = one("select job_id from pgq.ready where queue = 'q7' order by job_id desc limit 1")
    failed = one("select id from pgq.job_history where state = 'failed' order by id desc limit 1")
    middle = one("select max(id) / 2 from pgq.jobs")
    return {
        "first page": "",
        "jobs": "job/",
        "jobs: ready, of a queue": "job/?state=ready&queue=q7",
        "jobs: succeeded": "job/?state=succeeded",
        "jobs: failed, of a task": "job/?q=state:failed+task:t7",
        "jobs: by arguments that none has": "job/?q=args.user_id:-1",
        "jobs: a page in the middle": f"job/?before={middle}",
        "a job that is ready": f"job/{ready}/change/",
        "a job that failed": f"job/{failed}/change/",
        "queues": "queue/",
        "a queue": "queue/q7/change/",
        "workers": "worker/",
        "schedules": "schedule/",
        "semaphores": "semaphore/",
        "batches": "batch/",
        "bulk operations": "bulkoperation/",
    }


def costs(browser: Any, asked: dict[str, str]) -> dict[str, Cost]:
    """Return what each page costs the database in a new session; `browser` has logged in."""
    from django.db import connection

    statements: list[tuple[int, str]] = []

    def explained(execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        blocks = 0
        if _QUESTION.match(sql):
            beside = psycopg.ClientCursor(connection.connection)
            beside.execute(
                b"explain (analyze, buffers, timing off, format json) " + sql.encode(), params
            )
            (row,) = beside.fetchall()
            found = row[0]
            if isinstance(found, str):  # Django reads JSON by itself
                found = json.loads(found)
            plan = found[0]["Plan"]
            blocks = plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        statements.append((blocks, " ".join(sql.split())))
        return execute(sql, params, *rest)

    found = {}
    for page, address in asked.items():
        connection.close()
        statements.clear()
        with connection.execute_wrapper(explained):
            answer = browser.get(f"/admin/pgq/{address}")
        assert answer.status_code == 200, (address, answer.content[-400:])
        dearest, statement = max(statements)
        total = sum(blocks for blocks, _ in statements)
        found[page] = Cost(len(statements), total, dearest, statement)
    return found


def log_in() -> Any:
    """Return a superuser's browser, in a database that may have none of Django's tables."""
    from django.contrib.auth.models import User
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", verbosity=0)
    browser = Client()
    rights = {"is_staff": True, "is_superuser": True}
    browser.force_login(User.objects.get_or_create(username="ann", defaults=rights)[0])
    return browser


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--dsn", help="a database that has the jobs already")
    parser.add_argument("--history", type=int, default=1_000_000)
    parser.add_argument("--ready", type=int, default=1_000_000)
    parser.add_argument("--scheduled", type=int, default=200_000)
    given = parser.parse_args()
    configure()
    if given.dsn is None:
        with database(None) as connect:
            conn = connect()
            fill(conn, Sizes(given.history, given.ready, given.scheduled, hours=2))
            conn.execute("vacuum")
            _print(conn)
    else:
        with psycopg.connect(given.dsn, autocommit=True) as conn:
            _print(conn)


def _print(conn: psycopg.Connection) -> None:
    from django.db import connections

    conn.execute("select pgq._sample_depths()")
    point_to(make_conninfo(conn.info.dsn, password=conn.info.password or None))
    print("| page | statements | blocks read | by the dearest |\n|---|---:|---:|---:|")
    for page, cost in costs(log_in(), addresses(conn)).items():
        print(f"| {page} | {cost.statements} | {cost.blocks:,} | {cost.dearest:,} |")
    connections.close_all()


if __name__ == "__main__":
    main()
