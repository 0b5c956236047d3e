"""psql alone can enqueue, claim, settle and look; literals need no casts."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import psycopg
import pytest

from tests.servers import Server
from tests.sources import PUBLIC, SQL

Psql = Callable[[str], str]


@pytest.fixture
def psql(server: Server, dsn: str) -> Psql:
    def run(script: str) -> str:
        answer = subprocess.run(
            [server.bindir / "psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", dsn],
            input=script,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    return run


def test_a_jobs_life(psql: Psql) -> None:
    printed = psql(
        """
        select pgq.enqueue('email', '{"user_id": 1}', queue => 'mail', priority => 5);
        select pgq.enqueue('email', delay => '1 hour', max_attempts => 3, timeout => '30 s',
          expires_in => '2 hours', backoff => '10 seconds', unique_key => 'k',
          on_conflict => 'replace', headers => '{"trace": "x"}');
        select pgq.enqueue('report', jsonb_build_object('day', current_date), queue => 'mail');
        select created from pgq.enqueue_many('[{"task": "a"}, {"task": "b", "args": [1]}]');
        select state, count(*) from pgq.all_jobs group by state order by state;
        select job_id, claim_id, task from pgq.claim_batch('{mail,*}', batch_size => 1) \\gset
        \\echo :task
        select outcome from pgq.complete_batch(array[:job_id], array[:claim_id], '{"{}"}');
        select state, result from pgq.result(:job_id);
        select job_id, claim_id from pgq.claim_batch('{mail}') \\gset
        select outcome, state from pgq.fail_batch(array[:job_id], array[:claim_id],
          messages => '{boom}', final => '{t}');
        select outcome from pgq.cancel('{2}');
        select outcome from pgq.retry(array[:job_id]);
        select queue, ready, running, failed_today, paused from pgq.queue_stats;
        select pgq.clear_queue('mail');
        select count(*) from pgq.verify();
        """
    )
    assert printed.split() == [
        *("1", "2", "3", "t", "t"),
        *("ready|4", "scheduled|1"),
        *("report", "ok", "succeeded|{}"),
        "ok|failed",
        *("cancelled", "retried"),
        *("default|2|0|0|f", "mail|1|0|0|f"),
        *("1", "0"),
    ]


def test_a_table_whose_changes_are_jobs(psql: Psql) -> None:
    printed = psql(
        """
        create table orders (id int primary key, total numeric);
        create function sync_order() returns trigger language plpgsql as
        $$ begin perform pgq.enqueue('sync', new, queue => 'search'); return new; end $$;
        create trigger by_hand before insert on orders
          for each row execute function sync_order();
        create trigger ready_made after update on orders
          for each row execute function pgq.enqueue_trigger('changed', 'search');
        insert into orders values (1, 9.5);
        update orders set total = 10;
        select task, args from pgq.claim_batch('{search}', batch_size => 10);
        """
    )
    by_hand, ready_made = printed.splitlines()
    assert by_hand == 'sync|{"id": 1, "total": 9.5}'
    assert ready_made.startswith("changed|") and '"operation": "update"' in ready_made


def test_the_views_fit_a_terminal(psql: Psql) -> None:
    printed = psql(
        """
        select pgq.enqueue('email', queue => 'mail') \\g /dev/null
        select pgq.register_worker('host-1:4321', '{mail}', host => 'host-1', pid => 4321)
          \\g /dev/null
        \\pset tuples_only off
        \\pset format aligned
        select * from pgq.queue_stats;
        """
    )
    assert max(map(len, printed.splitlines())) <= 120


def test_a_pattern_lists_the_public_functions_alone(psql: Psql) -> None:
    """As the page about psql says."""
    listed = {line.split("|")[1] for line in psql(r"\df pgq.[a-z]*").splitlines()}
    assert listed >= PUBLIC and not any(name.startswith("_") for name in listed)


@pytest.mark.slow
def test_the_example_session(server: Server, dsn: str) -> None:
    command = [server.bindir / "psql", "-X", "-f", SQL / "example.psql", dsn]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (answer.returncode, answer.stderr) == (0, "")
    lines = answer.stdout.splitlines()
    assert len(lines) > 15 and all(line.startswith("ok - ") for line in lines)
    with psycopg.connect(dsn, autocommit=True) as conn:
        assert conn.execute("select count(*) from pgq.all_jobs").fetchone() == (0,)
        # What is wrong ends it.
        conn.execute("create or replace function pgq.version() returns text return ''")
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 3 and "not ok" in answer.stderr
