"""The configuration on the command line: what commands find in it; `pgq config`."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from pgq.cli import cli
from tests.cli.conftest import Pgq

SECRET = "hunter2-and-more"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "pgq.toml") -> None:
    Path(name).write_text(text)


def quoted(text: str) -> str:
    return json.dumps(text)


def settings(pgq: Pgq, *args: object) -> dict[str, tuple[object, str]]:
    return {row["key"]: (row["value"], row["source"]) for row in pgq.json("config", "show", *args)}


@pytest.mark.parametrize("name", ["pgq.toml", "pyproject.toml", "deploy.toml"])
def test_commands_find_the_database_in_the_file(name: str, dsn: str, nowhere: Pgq) -> None:
    table = "[tool.pgq]\n" if name == "pyproject.toml" else ""
    write(f"{table}dsn = {quoted(dsn)}", name)
    options = ["--config", name] if name == "deploy.toml" else []
    assert nowhere.json("jobs", *options)["jobs"] == []
    if options:
        assert "no database is named" in nowhere("jobs", code=2).stderr


def leaves(group: click.Group) -> list[click.Command]:
    found: list[click.Command] = []
    for command in group.commands.values():
        found += leaves(command) if isinstance(command, click.Group) else [command]
    return found


def test_every_command_with_a_database_takes_the_configuration() -> None:
    with_database = 0
    for command in leaves(cli):
        options = {option for each in command.params for option in each.opts}
        if "--schema" in options:
            with_database += 1
            assert {"--config", "--installation"} <= options, command.name
    assert with_database > 20


@pytest.mark.slow
def test_an_installation_is_a_schema_of_its_own(empty: Pgq) -> None:
    write('schema = "jobs"\n[installations.critical]\nschema = "critical"')
    for options in ([], ["--installation", "critical"]):
        empty("migrate", *options)
    empty("enqueue", "mail", "--installation", "critical")
    assert empty.json("jobs")["jobs"] == empty.json("jobs", "--schema", "jobs")["jobs"] == []
    (job,) = empty.json("jobs", "--schema", "critical")["jobs"]
    assert empty.json("jobs", "--installation", "critical")["jobs"] == [job]
    assert "pgq.queue_stats" in empty("stats", "--schema", "pgq", code=3).stderr


def test_options_and_variables_go_before_the_file(
    dsn: str, nowhere: Pgq, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('dsn = "host=/nonexistent"\nschema = "nowhere"')
    assert nowhere.json("jobs", "--dsn", dsn, "--schema", "pgq")["jobs"] == []
    monkeypatch.setenv("PGQ_DSN", dsn)
    monkeypatch.setenv("PGQ_SCHEMA", "pgq")
    assert nowhere.json("jobs")["jobs"] == []


@pytest.mark.slow
def test_a_dsn_in_a_variable_that_is_not_set(
    dsn: str, nowhere: Pgq, monkeypatch: pytest.MonkeyPatch
) -> None:
    write('dsn_env = "APP_DSN"')
    # Even libpq's own variables do not lead elsewhere then.
    monkeypatch.setenv("PGDATABASE", "postgres")
    assert nowhere("stats", code=2).stderr == (
        "Error: pgq.toml: dsn_env: the variable APP_DSN is not set\n"
        "Hint: set it, or PGQ_DSN, or give --dsn\n"
    )
    assert nowhere("migrate", "--sql").stdout.startswith("BEGIN;")
    assert settings(nowhere)["dsn"] == (None, "APP_DSN (pgq.toml)")
    assert "(not set)" in nowhere("config", "show").stdout
    monkeypatch.setenv("APP_DSN", dsn)
    assert nowhere.json("jobs")["jobs"] == []


def test_a_variable_that_hides_the_installations_database_is_noted(pgq: Pgq) -> None:
    write('[installations.critical]\ndsn = "host=/nonexistent"')
    result = pgq("jobs", "--json", "--installation", "critical")
    assert json.loads(result.stdout)["jobs"] == []
    assert result.stderr == (
        "note: PGQ_DSN goes before the dsn of pgq.toml:installations.critical\n"
    )


@pytest.mark.slow
def test_a_wrong_file_ends_every_command_but_help_and_completion(
    pgq: Pgq, monkeypatch: pytest.MonkeyPatch
) -> None:
    write("schemaa = 1\n[worker]\nlease = 'soon'")
    monkeypatch.setenv("PGQ_WORKER_CONCURRENCY", "many")
    for command in (["stats"], ["migrate", "--sql"], ["config", "show"]):
        assert pgq(*command, code=2).stderr.splitlines() == [
            "Error: pgq.toml: schemaa: unknown; did you mean schema?",
            'pgq.toml: worker.lease: found "soon", expected a length of time, such as "30s" or a '
            "number of seconds",
            'PGQ_WORKER_CONCURRENCY: found "many", expected a whole number, at least 1',
        ]
    assert "Options:" in pgq("stats", "--help").stdout
    monkeypatch.setenv("_PGQ_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "pgq stats --ins")
    monkeypatch.setenv("COMP_CWORD", "2")
    out, err = pgq.run()
    assert (out, err) == ("plain,--installation\n", "")


@pytest.mark.slow
def test_what_only_workers_mind_stops_no_other_command(pgq: Pgq) -> None:
    write("[worker]\nheartbeat_interval = 20")
    said = "Error: pgq.toml: worker.heartbeat_interval: 20s is over half of the lease of 30s\n"
    assert pgq.json("jobs")["jobs"] == []
    assert pgq("config", "show", code=2).stderr == said
    assert pgq("worker", "pgq.demo.tasks", code=2).stderr == said
    pgq("worker", "pgq.demo.tasks", "--lease", "1m", "--drain")


def test_an_unknown_installation_or_file(pgq: Pgq) -> None:
    write("[installations.critical]")
    assert pgq("stats", "--installation", "critcal", code=2).stderr == (
        "Error: pgq.toml: no installation critcal\nHint: Did you mean critical?\n"
    )
    assert pgq("stats", "--config", "none.toml", code=2).stderr == (
        "Error: cannot read none.toml: No such file or directory\n"
    )


def test_show_tells_each_value_and_where_it_comes_from(
    nowhere: Pgq, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        'dsn = "host=a"\nschema = "jobs"\n[worker]\nconcurrency = 7\nlease = "90s"\n'
        '[installations.bulk.worker]\nqueues = ["bulk", "slow*"]'
    )
    monkeypatch.setenv("PGQ_LOG_LEVEL", "error")
    found = settings(nowhere, "--installation", "bulk", "--schema", "mine")
    assert found["dsn"] == ("host=a", "pgq.toml")
    assert found["schema"] == ("mine", "option")
    assert found["worker.queues"] == (["bulk", "slow*"], "pgq.toml:installations.bulk.worker")
    assert found["worker.lease"] == (90, "pgq.toml:worker")
    assert found["worker.poll_interval"] == (None, "default")
    assert found["log.level"] == ("error", "PGQ_LOG_LEVEL")
    text = nowhere("config", "show", "--installation", "bulk").stdout
    lines = [line.split(maxsplit=1) for line in text.splitlines()]
    shown = {key: rest.strip() for key, rest in lines}
    assert shown["worker.queues"].split("  ")[0] == "bulk, slow*"
    assert shown["worker.lease"].split() == ["1m30s", "pgq.toml:worker"]
    assert shown["worker.poll_interval"].split() == ["(2s)", "default"]


def test_show_lists_the_sets_of_workers(nowhere: Pgq) -> None:
    write('[worker]\nprocesses = 3\n[[workers]]\nqueues = ["a"]\n[[workers]]\nconcurrency = 2')
    found = settings(nowhere)
    assert found["workers[0].queues"] == (["a"], "pgq.toml:workers[0]")
    assert found["workers[1].queues"] == (["*"], "default")
    assert found["workers[1].concurrency"] == (2, "pgq.toml:workers[1]")
    assert found["workers[1].processes"] == (3, "pgq.toml:worker")
    assert "worker.queues" not in found and "worker.mode" in found


@pytest.mark.parametrize(
    "dsn",
    [
        f"postgresql://me:{SECRET}@host/app",
        f"host=h user=me password='{SECRET}' dbname=app",
        f"postgresql://host/app?sslpassword={SECRET}",
        f"postgresql://me:{SECRET}/x@host:5432/app",
        f"postgresql://me:{SECRET}%zz@host/app",
    ],
)
def test_show_hides_passwords(dsn: str, nowhere: Pgq, monkeypatch: pytest.MonkeyPatch) -> None:
    write(f"dsn = {quoted(dsn)}")
    monkeypatch.setenv("PGQ_LISTEN_DSN", dsn)
    for options in ([], ["--json"], ["--dsn", dsn]):
        result = nowhere("config", "show", *options)
        assert SECRET not in result.output and "***" in result.stdout


def test_check_looks_at_the_whole_file_and_at_no_variable(
    nowhere: Pgq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGQ_LOG_LEVEL", "loud")
    write('dsn_env = "APP_DSN"\n[installations.a]\n[installations.b]', "good.toml")
    assert nowhere("config", "check", "good.toml").stdout == (
        "good.toml is fine; installations: a, b\n"
    )
    write("[installations.a]\nshema = 1\n[worker]\nlease = 4\nheartbeat_interval = 3")
    assert nowhere("config", "check", code=1).stderr == (
        "Error: pgq.toml: installations.a.shema: unknown; did you mean schema?\n"
        "pgq.toml: worker.heartbeat_interval: 3s is over half of the lease of 4s\n"
    )
    said = nowhere.json("config", "check", "pgq.toml", code=1)
    assert (said["installations"], len(said["problems"])) == (["a"], 2)


def test_check_needs_a_file(nowhere: Pgq) -> None:
    assert "neither pgq.toml nor" in nowhere("config", "check", code=2).stderr
    assert "cannot read x.toml" in nowhere("config", "check", "x.toml", code=2).stderr


def test_an_unreachable_database_of_the_file_is_named(nowhere: Pgq) -> None:
    write('dsn = "host=/nonexistent dbname=app"')
    assert 'cannot reach the database "app"' in nowhere("stats", code=3).stderr
