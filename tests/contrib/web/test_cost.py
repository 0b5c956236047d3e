"""What pages cost the database: how many statements each sends, and how much the dearest reads.

That it does not grow with the jobs, `make measure-pages` shows with ten million of them.
"""

from __future__ import annotations

import psycopg
import pytest

from tests.proof.measure_looks import Sizes, fill
from tests.proof.measure_pages import addresses, costs

pytestmark = pytest.mark.slow

MOST_STATEMENTS, MOST_BLOCKS = 20, 4000
# What looks at many jobs by its nature, up to a bound.
DEARER = {
    "batches": 20_000,  # counts a thousand jobs of each state in each batch
    "jobs: 250 a page": 12_000,
    "jobs: by arguments that none has": 40_000,  # looks at 10,000 jobs
}
SIZES = Sizes(history=60_000, ready=6_000, scheduled=1_200, hours=2)


def test_no_page_asks_or_reads_much(conn: psycopg.Connection, dsn: str) -> None:
    fill(conn, SIZES)
    conn.execute("vacuum")
    conn.execute("select pgq._sample_depths()")
    found = costs(dsn, addresses(conn))
    many = {page: cost.statements for page, cost in found.items()}
    assert {page: number for page, number in many.items() if number > MOST_STATEMENTS} == {}
    dear = {
        page: (cost.dearest, cost.dearest_statement)
        for page, cost in found.items()
        if cost.dearest > DEARER.get(page, MOST_BLOCKS)
    }
    assert dear == {}
