from __future__ import annotations

import asyncio

import psycopg
import pytest

from pgq.contrib.asyncmq import FlowProducer, Job, Queue
from pgq.errors import InvalidJob


def test_a_flow_runs_in_its_order(queue: Queue, dsn: str, conn: psycopg.Connection) -> None:
    async def body() -> None:
        load = Job("double", [1])
        merge = Job("double", [3], depends_on=[load.id])
        report = Job("double", [4], depends_on=[merge.id, load.id], max_retries=0)
        ids = await FlowProducer(dsn).add_flow("work", [report, merge, load])
        assert ids == [report.id, merge.id, load.id]
        assert await queue.get_job_state(report.id) == "waiting-children"
        await queue.run(until_empty=True)
        assert len(await queue.get_completed()) == 3

    asyncio.run(body())
    order = conn.execute("select args from pgq.job_history order by claimed_at, id").fetchall()
    assert order == [([1],), ([3],), ([4],)]


def test_parents_with_a_job_id_and_parents_that_were_there(queue: Queue, dsn: str) -> None:
    async def body() -> None:
        old = await queue.add("double", job_id="base")
        first = Job("double", job_id="first", depends_on=["base"])
        base = Job("double", job_id="base")
        last = Job("double", depends_on=["first", "base", old])
        ids = await FlowProducer(dsn).add_flow("work", [last, base, first])
        assert ids[1] == old
        job = await queue.get_job(ids[0])
        assert job and job["depends_on"] == sorted([ids[2], old])
        assert (await queue.get_job("first") or {})["depends_on"] == [old]

    asyncio.run(body())


def test_a_flow_is_added_whole_or_not_at_all(queue: Queue, dsn: str) -> None:
    async def body() -> None:
        first = Job("double", job_id="first")
        wrong = Job("double", depends_on=["first"], priority=1 << 40)
        with pytest.raises(InvalidJob, match="priority"):
            await FlowProducer(dsn).add_flow("work", [first, wrong])
        assert await queue.count() == 0
        assert await queue.get_job("first") is None

    asyncio.run(body())


def test_a_circle_is_refused(dsn: str) -> None:
    one, other = Job("double", job_id="one"), Job("double", job_id="other", depends_on=["one"])
    one.depends_on = ["other"]
    with pytest.raises(InvalidJob, match="in a circle"):
        asyncio.run(FlowProducer(dsn).add_flow("work", [one, other]))


def test_an_empty_flow(dsn: str) -> None:
    assert asyncio.run(FlowProducer(dsn).add_flow("work", [])) == []
