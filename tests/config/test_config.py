"""Reading the configuration: what wins, what is refused, where a value says it comes from."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

import pgq
from pgq.config.keys import KEYS, SET_KEYS, WorkerSet, variable_of
from pgq.config.load import check_file
from pgq.lib.durations import format_duration, parse_duration
from tests.docs.pages import ROOT, Page

PAGE = Page(ROOT / "docs" / "how-to" / "configure.md")

FULL = """
dsn = "host=db dbname=app"
schema = "jobs"
listen_dsn = "host=direct dbname=app"
modules = ["app.tasks", "app.more"]
[worker]
mode = "async"
only = "work"
schedules = true
schedules_file = "times.toml"
schedule_source = "app"
schema_timeout = "1m30s"
pidfile = "/run/pgq.pid"
metrics_port = 9187
metrics_host = "::1"
lock = "app"
queues = ["critical", "email*"]
shares = [3, 1]
concurrency = 20
prefetch = 0
processes = 4
name = "lion"
lease = "20s"
heartbeat_interval = 2.5
poll_interval = "500ms"
shutdown_timeout = 25
exit_after_outage = "10m"
installation = "s*"
[web]
url = "https://pgq.example.com/tools/"
title = "shop"
trace_url = "https://traces.example.com/{trace_id}"
hide = ["customer"]
hide_args = ["mail.*"]
saved = {late = "state=failed&queue=mail"}
[log]
level = "debug"
format = "json"
"""

TWO_SETS = """
[worker]
concurrency = 20
lease = "1m"
[[workers]]
queues = ["critical"]
concurrency = 5
[[workers]]
queues = ["email*", "*"]
processes = 4
"""

INSTALLATIONS = """
dsn = "host=db"
modules = ["app.tasks"]
[worker]
concurrency = 20
lease = "20s"
[[workers]]
queues = ["a"]
concurrency = 3
[[workers]]
queues = ["b"]
[installations.critical]
schema = "critical"
[installations.critical.worker]
concurrency = 50
[installations.bulk]
dsn_env = "BULK_DSN"
[[installations.bulk.workers]]
queues = ["c"]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(text: str, name: str = "pgq.toml") -> Path:
    Path(name).write_text(text)
    return Path(name)


def load(
    text: str | None = None,
    variables: dict[str, str] | None = None,
    options: dict[str, object] | None = None,
    installation: str | None = None,
) -> pgq.Config:
    if text is not None:
        write(text)
    return pgq.load_config(installation=installation, environ=variables or {}, overrides=options)


def problems(
    text: str | None = None,
    variables: dict[str, str] | None = None,
    options: dict[str, object] | None = None,
) -> list[str]:
    with pytest.raises(pgq.InvalidArgument) as refused:
        load(text, variables, options)
    return refused.value.message.splitlines()


def test_without_anything_there_are_the_defaults() -> None:
    config = load()
    assert (config.dsn, config.schema, config.modules) == (None, "pgq", ())
    assert config.worker_sets == (WorkerSet(),)
    assert (config.schedules, config.log_level, config.log_format) == (True, "info", "text")
    assert {config.sources[key] for key in KEYS} == {"default"}


def test_every_key_of_a_file_arrives() -> None:
    config = load(FULL)
    (only,) = config.worker_sets
    assert (config.dsn, config.listen_dsn) == ("host=db dbname=app", "host=direct dbname=app")
    assert (config.schema, config.modules) == ("jobs", ("app.tasks", "app.more"))
    assert (config.mode, config.only, config.schedules) == ("async", "work", True)
    assert (config.schedules_file, config.schedule_source) == (Path("times.toml"), "app")
    assert config.schema_timeout == timedelta(seconds=90)
    assert (config.pidfile, config.lock) == (Path("/run/pgq.pid"), "app")
    assert (config.metrics_port, config.metrics_host) == (9187, "::1")
    assert (config.log_level, config.log_format) == ("debug", "json")
    assert (config.web_url, config.web_title) == ("https://pgq.example.com/tools", "shop")
    assert config.web_trace_url == "https://traces.example.com/{trace_id}"
    assert (config.web_hide, config.web_hide_args) == (("customer",), ("mail.*",))
    assert config.web_saved == {"late": "state=failed&queue=mail"}
    assert only == WorkerSet(
        queues=("critical", "email*"),
        shares=(3, 1),
        concurrency=20,
        prefetch=0,
        processes=4,
        name="lion",
        lease=timedelta(seconds=20),
        heartbeat_interval=timedelta(seconds=2.5),
        poll_interval=timedelta(seconds=0.5),
        shutdown_timeout=timedelta(seconds=25),
        exit_after_outage=timedelta(minutes=10),
        installation="s*",
    )
    assert "default" not in {config.sources[key] for key in KEYS}


def test_every_key_has_a_variable() -> None:
    values = {
        "listen_dsn": "host=direct",
        "modules": "app.tasks, app.more",
        "worker.mode": "process",
        "worker.only": "maintain",
        "worker.schedules": "off",
        "worker.schema_timeout": "9s",
        "worker.metrics_port": "9187",
        "worker.queues": "critical,email*",
        "worker.shares": "3, 1",
        "worker.concurrency": "7",
        "worker.prefetch": "0",
        "worker.processes": "2",
        "worker.lease": "20",
        "worker.heartbeat_interval": "2s",
        "worker.poll_interval": "500ms",
        "worker.shutdown_timeout": "1m",
        "worker.exit_after_outage": "10m",
        "web.url": "http://localhost:8080",
        "web.saved": "late=state=failed&queue=mail; old=since=1h",
        "log.level": "error",
        "log.format": "json",
    }
    texts = {key: values.get(key, "x") for key in KEYS if key != "worker.schedules_file"}
    config = load(variables={variable_of(key): text for key, text in texts.items()})
    (only,) = config.worker_sets
    assert (config.dsn, config.modules) == ("x", ("app.tasks", "app.more"))
    assert (config.schedules, config.pidfile) == (False, Path("x"))
    assert only.shares == (3, 1)
    assert (only.queues, only.concurrency, only.prefetch) == (("critical", "email*"), 7, 0)
    assert (only.lease, only.shutdown_timeout) == (timedelta(seconds=20), timedelta(minutes=1))
    assert config.web_saved == {"late": "state=failed&queue=mail", "old": "since=1h"}
    assert {config.sources[key] for key in texts} == {variable_of(key) for key in texts}


def test_options_go_before_variables_before_the_file() -> None:
    text = 'schema = "file"\n[worker]\nconcurrency = 1\nlease = "1m"\nname = "file"'
    variables = {"PGQ_WORKER_CONCURRENCY": "2", "PGQ_WORKER_LEASE": "2m", "PGQ_SCHEMA": ""}
    options: dict[str, object] = {"worker.concurrency": 3, "worker.name": None, "modules": ()}
    config = load(text, variables, options)
    (only,) = config.worker_sets
    assert (only.concurrency, only.lease, only.name) == (3, timedelta(minutes=2), "file")
    assert config.schema == "file"
    chosen = ("worker.concurrency", "worker.lease", "worker.name", "schema", "modules")
    assert [config.sources[key] for key in chosen] == [
        "option",
        "PGQ_WORKER_LEASE",
        "pgq.toml:worker",
        "pgq.toml",
        "default",
    ]


def test_sets_take_from_worker_what_they_leave_out() -> None:
    config = load(TWO_SETS)
    minute = timedelta(minutes=1)
    assert config.worker_sets == (
        WorkerSet(queues=("critical",), concurrency=5, lease=minute),
        WorkerSet(queues=("email*", "*"), concurrency=20, processes=4, lease=minute),
    )
    assert config.sources["workers[0].concurrency"] == "pgq.toml:workers[0]"
    assert config.sources["workers[1].concurrency"] == "pgq.toml:worker"
    assert config.sources["workers[1].name"] == "default"


def test_a_variable_or_option_holds_for_all_sets() -> None:
    config = load(TWO_SETS, {"PGQ_WORKER_CONCURRENCY": "7"}, {"worker.processes": 2})
    assert [(each.concurrency, each.processes) for each in config.worker_sets] == [(7, 2), (7, 2)]
    assert config.sources["workers[0].concurrency"] == "PGQ_WORKER_CONCURRENCY"


def test_queues_of_a_variable_or_option_replace_the_sets() -> None:
    config = load(TWO_SETS, options={"worker.queues": ("mail",)})
    minute = timedelta(minutes=1)
    assert config.worker_sets == (WorkerSet(queues=("mail",), concurrency=20, lease=minute),)
    assert "workers[0].queues" not in config.sources


def test_an_installation_goes_before_the_flat_keys_and_inherits_them() -> None:
    config = load(INSTALLATIONS, installation="critical")
    assert (config.dsn, config.schema, config.modules) == ("host=db", "critical", ("app.tasks",))
    assert config.sources["schema"] == "pgq.toml:installations.critical"
    # Its [worker] goes before the flat [[workers]].
    assert [(each.queues, each.concurrency) for each in config.worker_sets] == [
        (("a",), 50),
        (("b",), 50),
    ]
    assert {each.lease for each in config.worker_sets} == {timedelta(seconds=20)}


def test_an_installation_may_have_a_database_and_sets_of_its_own() -> None:
    variables = {"BULK_DSN": "host=bulk", "PGQ_INSTALLATION": "bulk"}
    config = load(INSTALLATIONS, variables)
    assert (config.dsn, config.schema) == ("host=bulk", "pgq")
    assert config.sources["dsn"] == "BULK_DSN (pgq.toml:installations.bulk)"
    assert [(each.queues, each.concurrency) for each in config.worker_sets] == [(("c",), 20)]


def test_an_installation_that_is_not_there() -> None:
    with pytest.raises(pgq.InvalidArgument, match="no installation critcal") as refused:
        load(INSTALLATIONS, installation="critcal")
    assert refused.value.hint == "Did you mean critical?"
    Path("pgq.toml").unlink()
    with pytest.raises(pgq.InvalidArgument, match="no configuration was found"):
        load(installation="critical")


def test_a_variable_that_hides_an_installations_database_is_told() -> None:
    variables = {"PGQ_DSN": "host=x", "PGQ_SCHEMA": "y"}
    assert load(INSTALLATIONS, variables).notes == {}
    assert load(INSTALLATIONS, variables, installation="bulk").notes == {
        "dsn": "PGQ_DSN goes before the dsn of pgq.toml:installations.bulk"
    }
    given: dict[str, object] = {"schema": "z"}
    assert load(INSTALLATIONS, variables, given, installation="critical").notes == {}


def test_a_dsn_may_be_in_a_variable() -> None:
    text = 'dsn_env = "APP_DSN"\nlisten_dsn_env = "DIRECT_DSN"'
    config = load(text, {"APP_DSN": "host=a", "DIRECT_DSN": "host=b"})
    assert (config.dsn, config.listen_dsn) == ("host=a", "host=b")
    assert config.sources["listen_dsn"] == "DIRECT_DSN (pgq.toml)"
    assert problems(text, {"DIRECT_DSN": "host=b", "APP_DSN": ""}) == [
        "pgq.toml: dsn_env: the variable APP_DSN is not set"
    ]
    assert load(text, {"PGQ_DSN": "host=c", "DIRECT_DSN": "host=b"}).dsn == "host=c"


def test_the_same_keys_in_pyproject() -> None:
    write('[project]\nname = "app"', "pyproject.toml")
    assert load().sources["schema"] == "default"
    write('[tool.pgq]\nschema = "jobs"\n[tool.pgq.log]\nlevel = "debug"', "pyproject.toml")
    config = load()
    assert (config.schema, config.log_level) == ("jobs", "debug")
    assert config.sources["log.level"] == "pyproject.toml:tool.pgq.log"
    write('schema = "mine"')
    assert (load().schema, load().log_level) == ("mine", "info")
    named = pgq.load_config("pyproject.toml", environ={})
    assert named.schema == "jobs"


def test_a_file_elsewhere_keeps_its_own_paths(folder: Path) -> None:
    Path("deploy").mkdir()
    file = write('[worker]\nschedules_file = "times.toml"', "deploy/jobs.toml")
    for config in (
        pgq.load_config(file, environ={}),
        pgq.load_config(environ={"PGQ_CONFIG": str(file)}),
    ):
        assert config.schedules_file == Path("deploy/times.toml")
    relative: dict[str, object] = {"worker.schedules_file": Path("mine.toml")}
    assert load(None, {"PGQ_CONFIG": str(file)}, relative).schedules_file == Path("mine.toml")


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("none.toml", None, "cannot read none.toml: No such file"),
        ("pgq.toml", "dsn = ", "pgq.toml is not TOML: "),
        ("pyproject.toml", "[project]", "pyproject.toml has no table [tool.pgq]"),
        ("pyproject.toml", "pgq = ", "pyproject.toml is not TOML: "),
    ],
)
def test_a_file_that_cannot_be_read(file: str, content: str | None, said: str) -> None:
    if content is not None:
        write(content, file)
    with pytest.raises(pgq.InvalidArgument) as refused:
        pgq.load_config(file, environ={})
    assert refused.value.message.startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[worker]\nconcurency = 5", "worker.concurency: unknown; did you mean concurrency?"),
        ("[wroker]\nlease = 5", "wroker: unknown; did you mean worker?"),
        ("concurrency = 5", "concurrency: unknown here; did you mean worker.concurrency?"),
        ("[worker]\nlevel = 1", "worker.level: unknown here; did you mean log.level?"),
        ("[[workers]]\ndsn = 'x'", "workers[0].dsn: unknown here; dsn stands above the tables"),
        (
            "[[workers]]\n[[workers]]\nmode = 'process'",
            "workers[1].mode: unknown here; did you mean worker.mode?",
        ),
        ("[log]\nzzz = 1", "log.zzz: unknown; known are format, level"),
        (
            "[installations.a.log]\nlevl = 1",
            "installations.a.log.levl: unknown; did you mean level?",
        ),
        ("worker = 5", "worker: not a table; write [worker]"),
        ("installations = 5", "installations: not a table; write [installations]"),
        ("[workers]\nqueues = ['a']", "workers: not an array of tables; write [[workers]]"),
        ("workers = [1]", "workers[0]: not a table; write [workers[0]]"),
        (
            "[worker]\nconcurrency = 0",
            "worker.concurrency: found 0, expected a whole number, at least 1",
        ),
        (
            "[worker]\nprocesses = true",
            "worker.processes: found true, expected a whole number, at least 1",
        ),
        (
            "[worker]\nprefetch = 1.5",
            "worker.prefetch: found 1.5, expected a whole number, at least 0",
        ),
        (
            '[worker]\nlease = "soon"',
            'worker.lease: found "soon", expected a length of time, such as "30s" or a number of '
            "seconds",
        ),
        ('[worker]\nmode = "thread"', 'worker.mode: found "thread", expected "process" or "async"'),
        ('[worker]\nschedules = "yes"', 'worker.schedules: found "yes", expected true or false'),
        ('[worker]\nname = ""', "worker.name: found an empty text, expected a text"),
        (
            'modules = "app"',
            'modules: found "app", expected an array of modules\' names, such as ["app.tasks"]',
        ),
        (
            "[worker]\nqueues = []",
            "worker.queues: found an empty array, expected an array of texts, such as "
            '["mail", "report*"]',
        ),
        ("schema = 'pg_x'", "schema: the schema name 'pg_x' starts with pg_, which Postgres"),
        ("dsn_env = '${X}'", 'dsn_env: found "${X}", expected the name of an environment variable'),
        ("dsn = 'a'\ndsn_env = 'A'", "dsn_env: there is dsn as well; leave one of them out"),
        ("[worker]\nshares = [3, 0]", "worker.shares: found an array, expected an array of whole"),
        ("[worker]\nshares = [3, 1]", "worker.shares: 2 shares for 1 queues"),
        (
            "[worker]\nheartbeat_interval = 20",
            "worker.heartbeat_interval: 20s is over half of the lease of 30s",
        ),
        (
            "[[workers]]\nlease = 10\nheartbeat_interval = 6",
            "workers[0].heartbeat_interval: 6s is over half of the lease of 10s",
        ),
        (
            "[worker]\nschedules = false\nschedules_file = 'a'",
            "worker.schedules_file: a file of schedules, but schedules are off",
        ),
    ],
)
def test_what_a_file_may_not_hold(text: str, said: str) -> None:
    (problem,) = problems(text)
    assert problem.startswith(f"pgq.toml: {said}")
    assert check_file(Path("pgq.toml"))[1] == [problem]


def test_an_option_may_cure_what_is_wrong_together() -> None:
    text = "[worker]\nheartbeat_interval = 20"
    assert len(problems(text)) == 1
    (only,) = load(text, options={"worker.lease": timedelta(minutes=1)}).worker_sets
    assert only.heartbeat_interval == timedelta(seconds=20)


@pytest.mark.parametrize("length", ["nan", "inf", "-1", "0", "1e300", "true", "[]", '""', '"0s"'])
def test_what_is_no_length_of_time(length: str) -> None:
    (problem,) = problems(f"[worker]\nlease = {length}")
    assert problem.startswith("pgq.toml: worker.lease: found ")


def test_all_problems_are_told_at_once() -> None:
    said = problems(
        "schemaa = 1\n[log]\nlevel = 2\n[installations.unused]\ndsn = 3",
        {"PGQ_WORKER_CONCURRENCY": "many", "PGQ_WORKER_SCHEDULES": "maybe"},
        {"worker.lease": "soon", "worker.nonsense": 1},
    )
    assert [problem.rpartition(": ")[0] for problem in said] == [
        "pgq.toml: schemaa",
        "pgq.toml: log.level",
        "pgq.toml: installations.unused.dsn",
        "PGQ_WORKER_SCHEDULES",
        "PGQ_WORKER_CONCURRENCY",
        "option worker.lease",
        "option worker.nonsense",
    ]


def test_a_password_is_never_quoted() -> None:
    said = problems('dsn = { password = "hunter2" }\nlisten_dsn = ["hunter2"]')
    assert said == [
        "pgq.toml: dsn: found a table, expected a text",
        "pgq.toml: listen_dsn: found an array, expected a text",
    ]


@pytest.mark.parametrize(
    ("variables", "options", "expected"),
    [
        ({}, {"worker.schedules": False}, (False, None)),
        ({"PGQ_WORKER_SCHEDULES": "no"}, {}, (False, None)),
        (
            {"PGQ_WORKER_SCHEDULES": "no"},
            {"worker.schedules_file": Path("b")},
            (True, Path("b")),
        ),
    ],
)
def test_the_upper_one_of_no_schedules_and_a_file_wins(
    variables: dict[str, str], options: dict[str, object], expected: tuple[bool, Path | None]
) -> None:
    config = load("[worker]\nschedules_file = 'a'", variables, options)
    assert (config.schedules, config.schedules_file) == expected


@pytest.mark.parametrize("text", ["30s", "1h30m", "250ms", "2d", "1d1ms", "15d"])
def test_a_length_of_time_is_written_as_it_is_read(text: str) -> None:
    length = parse_duration(text)
    assert length is not None and format_duration(length) == text


def test_the_page_lists_every_key_and_its_files_are_right(folder: Path) -> None:
    prose = PAGE.prose
    for key in KEYS:
        table, _, name = key.rpartition(".")
        assert f"`{name}`" in prose.partition(f"`[{table}]`")[2] if table else f"`{name}`" in prose
    for name in SET_KEYS:
        assert f"`{name}`" in prose
    files = [block.text for block in PAGE.blocks if block.language == "ini"]
    assert files
    for text in files:
        file = write(text, "pyproject.toml" if "[tool." in text else "pgq.toml")
        assert check_file(file)[1] == []
