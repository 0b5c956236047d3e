from __future__ import annotations

import json
from pathlib import Path

import psycopg

from tests.drivers.conftest import Node


def test_named_arguments_without_casts(conn: psycopg.Connection, node: Node) -> None:
    place = conn.info
    script = Path(__file__).with_name("pg_driver.js")
    seen = json.loads(node(script, place.host, str(place.port), place.user, place.dbname))
    assert seen.pop("worker")
    assert seen == {
        "again": True,
        "many": [True, True],
        "tasks": ["b", "email", "a"],
        "args": {"user_id": 1, "name": "Ünï"},
        "orders": 0,
        "done": ["ok"],
        "failed": ["failed"],
        "snoozed": ["scheduled"],
        "cancelled": "cancelled",
        "error": ["JQ001", "task is empty", True],
        "wrong": 0,
    }
