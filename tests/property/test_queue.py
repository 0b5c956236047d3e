"""Random sequences of calls on a real database, compared with the model after every step.

PGQ_SEED repeats a run (a failure prints it), PGQ_EXAMPLES sets how many sequences are tried,
PGQ_SHRINK=no shows the first failure as it came.
"""

from __future__ import annotations

import os
import secrets
import time
from itertools import count, cycle

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import initialize, run_state_machine_as_test

from tests.property import strategies
from tests.property.machine import CLOCK, CONFIGURED
from tests.property.operate_rules import Operating
from tests.property.things import Options
from tests.sql.calls import PILED, scalar

EXAMPLES = int(os.environ.get("PGQ_EXAMPLES", "40"))
STEPS = 40
PHASES = [Phase.generate, *([Phase.shrink] if os.environ.get("PGQ_SHRINK") != "no" else [])]


class QueueMachine(Operating):
    """All rules, from an empty queue on."""

    begun = count(1)
    piled = cycle([True, False])

    @initialize(many=strategies.many)
    def begin(self, many: list[Options]) -> None:
        if next(self.begun) % 50 == 0:
            # The server has no autovacuum, and every check reads over what is dead.
            self.conn.execute("vacuum")
        # Every other example with marks, which otherwise come only when dead rows pile up.
        self.conn.execute(PILED if next(self.piled) else PILED.replace("true'", "false'"))
        self.reset()
        self.enqueue_many(many=many)


@pytest.mark.timeout(max(600, 4 * EXAMPLES))
def test_random_sequences(conn: psycopg.Connection) -> None:
    chosen = int(os.environ.get("PGQ_SEED") or secrets.randbelow(1 << 32))
    print(f"PGQ_SEED={chosen} repeats this run")
    conn.execute(CLOCK.encode())
    conn.execute(CONFIGURED.encode())
    # Silence counts from the start of the server: a lease of a second needs one that is older.
    while scalar(conn, "select clock_timestamp() - pg_postmaster_start_time() < interval '1.1 s'"):
        time.sleep(0.1)
    machine = type("QueueMachine", (QueueMachine,), {"conn": conn})
    run_state_machine_as_test(
        seed(chosen)(machine),
        settings=settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            phases=PHASES,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    assert scalar(conn, "select count(*) from pgq.verify()") == 0
