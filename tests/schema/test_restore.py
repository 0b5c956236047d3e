"""A dump that is restored on a new server, which knows none of the roles."""

from __future__ import annotations

import subprocess
from pathlib import Path

import psycopg

from pgq.schema.migrate import upgrade
from tests.servers import Server
from tests.sql.calls import claim, claim_one, complete, enqueue, rows, scalar, value, violations

# The ids of transactions were higher there than they are on a new server.
OLD_SERVER = "update pgq.ready set ready_xid = (4000000000 + ready_xid::text::bigint)::text::xid8"


def restore(source: str, server: Server, folder: Path) -> list[str]:
    """Copy a database to a server, as pg_dump and pg_restore do; return the errors."""
    file = folder / "dump"
    subprocess.run([server.bindir / "pg_dump", "-Fc", "-d", source, "-f", file], check=True)
    command = [server.bindir / "pg_restore", "-d", server.dsn, file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return [line for line in done.stderr.splitlines() if "ERROR" in line]


def test_a_dump_on_a_server_without_the_roles(
    conn: psycopg.Connection, dsn: str, private_server: Server, tmp_path: Path
) -> None:
    value(conn, "configure", keep_history_for="3 days")
    ids = [enqueue(conn, backoff="0") for _ in range(20)]
    enqueue(conn, delay="1 hour")
    complete(conn, claim_one(conn))
    stopped = claim_one(conn)
    conn.execute(OLD_SERVER.encode())

    errors = restore(dsn, private_server, tmp_path)
    assert errors and all("role" in line and "does not exist" in line for line in errors)
    assert upgrade(private_server.dsn) == []
    with psycopg.connect(private_server.dsn, autocommit=True) as restored:
        granted = "select has_function_privilege('pgq_worker', oid, 'execute') from pg_proc"
        assert scalar(restored, f"{granted} where proname = 'claim_batch'")
        assert violations(restored) == []
        # The notes of the install still fit, except for roles that are made again.
        assert scalar(restored, "select count(*) from pgq._drift()") == 0
        assert scalar(restored, "select keep_history_for = '3 days' from pgq.settings")

        new = enqueue(restored, "new")
        restored.execute("update pgq.maintenance set due_at = '-infinity'")
        stamped = {row["step"]: row["affected"] for row in rows(restored, "maintain")}["stamp"]
        assert stamped == 18
        late = enqueue(restored, "late")
        held = [claim_one(restored) for _ in range(20)]
        assert [one.job_id for one in held] == [new, *ids[2:], late]
        assert set(complete(restored, *held)) == {"ok"}
        assert complete(restored, stopped) == ["ok"]
        assert claim(restored) == []
        assert violations(restored) == []
