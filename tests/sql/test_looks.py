"""Looks cost about the same however many jobs there are: lists, searches, counts and views.

tests/proof/measure_looks.py prints what they cost with ten million jobs.
"""

from __future__ import annotations

import psycopg
import pytest

from tests.proof.measure_looks import LOOKS, UNBOUNDED, Sizes, fill, measure
from tests.servers import Databases
from tests.sql.calls import buffers

SMALL = Sizes(history=120_000, ready=6_000, scheduled=1_200, look=500, hours=1)
LARGE = Sizes(history=300_000, ready=24_000, scheduled=4_800, look=500, hours=1)
# The filters of a search that promises to look at every job.
EVERYTHING = "args => '{\"user_id\": -1}'"


@pytest.mark.newest
@pytest.mark.slow
def test_what_is_looked_at_does_not_grow_with_what_is_there(
    databases: Databases, template: str
) -> None:
    costs = []
    for sizes in (SMALL, LARGE):
        with (
            databases.fresh(template) as name,
            psycopg.connect(databases.dsn(name), autocommit=True) as conn,
        ):
            fill(conn, sizes)
            conn.execute("vacuum")
            costs.append({look: measure(conn, sizes, look).pages for look in LOOKS})
            costs[-1][EVERYTHING] = buffers(conn, f"select pgq.find_jobs({EVERYTHING})")
    small, large = costs
    grown = {
        look: (small[look], large[look])
        for look in LOOKS
        if look not in UNBOUNDED and large[look] > 1.5 * small[look] + 500
    }
    assert grown == {}
    # A mistake would show: a call that reads everything costs several times as much.
    assert large[EVERYTHING] > 2 * small[EVERYTHING]
