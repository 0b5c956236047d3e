from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests.docs.pages import ROOT, Page
from tests.docs.test_pages import as_url
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


def test_the_example_of_the_page(
    dsn: str, conn: psycopg.Connection, node: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = Page(ROOT / "docs" / "how-to" / "enqueue-from-any-language.md")
    (block,) = (each for each in page.blocks if each.language == "js")
    (tmp_path / "example.mjs").write_text(block.text)
    monkeypatch.setenv("PGQ_DSN", as_url(dsn))
    job_id, refusal = node(tmp_path / "example.mjs").splitlines()
    assert refusal.startswith("JQ001 ")
    row = conn.execute("select args, queue from pgq.all_jobs where id = %s", [job_id]).fetchone()
    assert row == ({"user_id": 1}, "mail")
