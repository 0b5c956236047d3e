from __future__ import annotations

import psycopg
import pytest

import pgq
from pgq import tasks
from pgq.contrib import dj_queue
from pgq.contrib.dj_queue import _backends


@pytest.fixture(autouse=True)
def client(conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch) -> pgq.Client:
    """The client of the backend "default"."""
    monkeypatch.setattr(tasks.registry, "_tasks", {})
    monkeypatch.setattr(_backends, "_clients", {})
    monkeypatch.setattr(_backends, "_on_connections", set())
    return dj_queue.connect(conn)
