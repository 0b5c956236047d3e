"""The command that prints the SQL of a router; tests/sql/shards/test_router.py runs it."""

from __future__ import annotations

from pathlib import Path

from tests.cli.conftest import Pgq
from tests.cli.test_shards import dsns as dsns
from tests.cli.test_shards import named


def test_it_prints_or_writes_the_script(nowhere: Pgq, dsns: list[str], tmp_path: Path) -> None:
    both = named(dsns[:2])
    said = nowhere("router", "sql", *both).stdout
    assert (
        said.splitlines()[0] == "-- A router to 2 shards, for PL/Proxy. In a database without jobs:"
    )
    assert said.endswith("commit;\n")
    path = tmp_path / "router.sql"
    assert nowhere("router", "sql", "--output", path, *both).stdout == f"{path}\n"
    assert path.read_text() == said
    assert nowhere.json("router", "sql", *both) == {"sql": said, "file": None}


def test_it_wants_every_shard_and_says_that_slots_move(nowhere: Pgq, dsns: list[str]) -> None:
    assert "the shards 2 are not named" in nowhere("router", "sql", *named(dsns[:1]), code=2).stderr
    assert "is no shard" in nowhere("router", "sql", *named(dsns[2:]), code=1).stderr
