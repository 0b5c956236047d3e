"""Another schema name or role prefix is written in every place where sql/ names one, once."""

from __future__ import annotations

import pytest

from pgq.schema.names import SQL, Names, read_script

AWKWARD = Names('My "Queue"', "app ")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("select pgq.enqueue('a')", """select "My ""Queue\""".enqueue('a')"""),
        ("'pgq.jobs'::regclass", """'"My ""Queue\""".jobs'::regclass"""),
        ("'create table pgq.%I (like'", """'create table "My ""Queue\""".%I (like'"""),
        ("to_regclass('pgq.' || name)", """to_regclass('"My ""Queue\""".' || name)"""),
        ("create schema if not exists pgq;", 'create schema if not exists "My ""Queue""";'),
        ("all tables in schema pgq to x", 'all tables in schema "My ""Queue""" to x'),
        ("to_regnamespace('pgq')", """to_regnamespace('"My ""Queue\"""')"""),
        ("'pgq'::regnamespace", """'"My ""Queue\"""'::regnamespace"""),
        ("pg_notify('pgq_jobs', 'x')", "pg_notify('My \"Queue\"_jobs', 'x')"),
        ("pg_notify('pgq_ended', 'x')", "pg_notify('My \"Queue\"_ended', 'x')"),
        ("pg_notify('pgq_outcomes', '')", "pg_notify('My \"Queue\"_outcomes', '')"),
        ("to pgq_worker, pgq_operator;", 'to "app worker", "app operator";'),
        ("rolname = 'pgq_worker'", "rolname = 'app worker'"),
        ("extname = 'pgq'", "extname = 'pgq'"),
        ("pgq_worker_id my_pgq.x pgqueue.y pgq.", "pgq_worker_id my_pgq.x pgqueue.y pgq."),
    ],
)
def test_each_form_is_substituted(written: str, expected: str) -> None:
    assert AWKWARD.apply(written) == expected


def test_a_name_that_looks_like_a_form_is_substituted_once() -> None:
    names = Names("schema pgq", "pgq_worker")
    assert names.apply("pgq.jobs schema pgq") == '"schema pgq".jobs schema "schema pgq"'
    assert names.apply("to pgq_worker") == "to pgq_workerworker"


def test_the_default_names_change_nothing() -> None:
    script = read_script(SQL / "install.sql")
    assert Names().apply(script) == script


def test_a_name_without_anything_special_stays_readable() -> None:
    assert Names("pgq2").apply("grant select on pgq.jobs to pgq_worker") == (
        "grant select on pgq2.jobs to pgq2_worker"
    )
    assert Names("user").apply("pgq.jobs") == '"user".jobs'


@pytest.mark.parametrize(
    ("schema", "reason"),
    [
        ("", "is empty"),
        ("q" * 41, "longer than 4. bytes"),
        ("ü" * 21, "longer than 4. bytes"),
        ("pg_queue", "starts with pg_"),
        *((f"a{character}b", "may not hold") for character in "'\\$%:{}*\n\t\x00\x7f"),
    ],
)
def test_a_name_that_would_break_a_script_is_refused(schema: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Names(schema)
    with pytest.raises(ValueError, match=reason):
        Names("pgq", schema and schema + "__")


def test_the_longest_name_still_makes_roles_and_channels_that_postgres_keeps() -> None:
    names = Names("q" * 40)
    channels = (names.channel, names.ended_channel, names.outcomes_channel)
    assert max(map(len, (*names.roles, *channels))) <= 63


def test_every_script_is_plain_ascii() -> None:
    for path in SQL.rglob("*.sql"):
        assert path.read_text(encoding="utf-8").isascii(), path
