"""What pages of the admin cost: how many statements each sends, and how much they read.

That it does not grow with the jobs, tests.proof.measure_admin shows with a million of them.
"""

from __future__ import annotations

import psycopg
import pytest

import tests.contrib.django.shop  # isort: skip  # noqa: F401  # Django is set up by it
from tests.contrib.django.test_admin import superuser
from tests.contrib.web.test_cost import SIZES
from tests.proof.measure_admin import addresses, costs
from tests.proof.measure_looks import fill

pytestmark = pytest.mark.slow

MOST_STATEMENTS, MOST_BLOCKS = 8, 26_000
# What looks at many jobs by its nature, up to a bound.
DEARER = {
    "batches": 40_000,  # counts a thousand jobs of each state in each batch
    "jobs: by arguments that none has": 60_000,  # looks at 10,000 jobs
}


def test_no_page_asks_or_reads_much(site: object, conn: psycopg.Connection) -> None:
    fill(conn, SIZES)
    conn.execute("vacuum")
    conn.execute("select pgq._sample_depths()")
    found = costs(superuser(), addresses(conn))
    assert {page for page, cost in found.items() if cost.statements > MOST_STATEMENTS} == set()
    dear = {
        page: cost for page, cost in found.items() if cost.blocks > DEARER.get(page, MOST_BLOCKS)
    }
    assert dear == {}
    counts = [cost for cost in found.values() if "count(" in cost.dearest_statement.lower()]
    assert counts == []
