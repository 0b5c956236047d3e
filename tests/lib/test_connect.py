"""Connections of ours are opened in one place, and are alike whatever the defaults are."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from unittest import mock

import psycopg
import pytest

import pgq
from pgq.client.loaders import foreign_encoding
from pgq.lib.connect import connect, connect_async, conninfo
from tests.servers import set_default

PACKAGE = Path(pgq.__file__).parent
OPENS = re.compile(
    r"psycopg\.connect\(|[^_]AsyncConnection\.connect\(|[^_]Connection\.connect\("
    r"|ConnectionPool\(\s*(?!conninfo\()[\w\"]"
)


def test_only_one_module_opens_connections() -> None:
    opening = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if OPENS.search(re.sub(r'""".*?"""', "", path.read_text(), flags=re.DOTALL))
    }
    assert opening == {"lib/connect.py"}


def test_they_speak_utf8(
    dsn: str, conn: psycopg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_default(conn, "client_encoding", "LATIN1")
    monkeypatch.setenv("PGCLIENTENCODING", "LATIN9")
    with connect(f"{dsn} client_encoding=latin2") as opened:
        assert opened.info.encoding == "utf-8"

    async def look() -> str:
        async with await connect_async(dsn) as opened:
            return opened.info.encoding

    assert asyncio.run(look()) == "utf-8"


def test_the_dsn_goes_before_our_defaults() -> None:
    text = conninfo("host=here connect_timeout=3", connect_timeout=10, keepalives_count=2)
    assert "connect_timeout=3" in text and "keepalives_count=2" in text


@pytest.mark.parametrize("told", [b"UTF8", b"utf8", b"UTF-8", b"Unicode"])
def test_any_word_for_utf8_is_utf8(told: bytes) -> None:
    """A pooler reports the word that the client used, not the server's."""
    connection = mock.Mock()
    connection.pgconn.parameter_status.return_value = told
    assert foreign_encoding(connection) is None
    connection.pgconn.parameter_status.return_value = b"LATIN1"
    assert foreign_encoding(connection) == "LATIN1"
