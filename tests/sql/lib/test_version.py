from __future__ import annotations

import re

import psycopg

from tests.sql.calls import value


def test_version(conn: psycopg.Connection) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", value(conn, "version"))
