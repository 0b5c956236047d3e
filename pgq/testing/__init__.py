"""For tests of code that enqueues: look at its jobs, and run them right here, without a worker.

def test_signup(connection):
    client = pgq.Client(connection)
    sign_up(connection, "me@example.org")
    assert_enqueued(client, "welcome", {"email": "me@example.org"})
    drain(client)
    connection.rollback()
"""

from __future__ import annotations

from pgq.testing.draining import drain, drain_async, run_claimed
from pgq.testing.expectations import assert_enqueued, assert_enqueued_async, assert_not_enqueued
from pgq.testing.inline import inline
from pgq.testing.travel import Travel

__all__ = [
    "Travel",
    "assert_enqueued",
    "assert_enqueued_async",
    "assert_not_enqueued",
    "drain",
    "drain_async",
    "inline",
    "run_claimed",
]
