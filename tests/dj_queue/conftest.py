from __future__ import annotations

import psycopg
import pytest

import pgq
from pgq import dj_queue, tasks
from pgq.dj_queue import _backends


@pytest.fixture(autouse=True)
def client(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> pgq.Client:
    """The client of the backend "default"."""
    monkeypatch.setattr(tasks.registry, "_tasks", {})
    monkeypatch.setattr(_backends, "_clients", {})
    monkeypatch.setattr(_backends, "_on_connections", set())
    return dj_queue.connect(conn)
