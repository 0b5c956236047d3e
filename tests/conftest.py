"""Servers and databases for the tests: every test that asks for one runs on each server found.

The servers are the embedded Postgres and each other major version in /usr/lib/postgresql, or the
one of PGQ_TEST_DSN alone. A test that asks for `dsn` or `conn` gets a fresh database that holds
the schema, copied from a template in milliseconds.
"""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import psycopg
import pytest
from psycopg.abc import Buffer
from psycopg.types.datetime import TimestamptzLoader

import pgq
from tests.quick import leave_out, leaves_out
from tests.servers import (
    Databases,
    ExternalServer,
    Server,
    Target,
    Travel,
    find_targets,
    install,
    start,
)

TARGETS = pytest.StashKey[list[Target]]()
# Whether it is the first case of its test, on the newest of the servers that it runs on.
FIRST_CASE = pytest.StashKey[bool]()


class Connect(Protocol):
    """Opens one more session on the test's database; keywords go to psycopg.connect."""

    def __call__(self, *, autocommit: bool = True, **parameters: Any) -> psycopg.Connection: ...


# What depends on the server: the SQL functions. All else calls these functions, and runs on the
# newest server alone. On an older server a test with many cases runs with the first one: a case is
# about a value, and values do not depend on the server. A test of sizes or of arithmetic is marked
# `newest`. `--pg` runs everything on the servers that it names.
ON_EACH = ("drivers", "embedded", "property", "schema", "sql")


def on_each(config: pytest.Config, path: Path) -> bool:
    """Tell whether the tests of this file run on each server, if `--pg` names none."""
    return any((config.rootpath / "tests" / place) in path.parents for place in ON_EACH)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--pg",
        action="append",
        type=int,
        metavar="MAJOR",
        help="run only on this major version of Postgres (may be repeated)",
    )
    parser.addoption("--quick", action="store_true", help="run what tests/quick.py chooses")


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts background commands with Ctrl-C ignored, which every process below inherits.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    found = find_targets()
    newest = found[:1] if config.getoption("--quick") else found
    wanted = config.getoption("--pg") or [target.major for target in newest]
    targets = [target for target in found if target.major in wanted]
    if missing := set(wanted) - {target.major for target in targets}:
        there = ", ".join(f"{target.major}" for target in found)
        raise pytest.UsageError(f"--pg {min(missing)}: no such server here, only {there}")
    config.stash[TARGETS] = targets


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "target" in metafunc.fixturenames:
        targets = metafunc.config.stash[TARGETS]
        if not metafunc.config.getoption("--pg") and (
            metafunc.definition.get_closest_marker("newest")
            or not on_each(metafunc.config, metafunc.definition.path)
        ):
            targets = targets[:1]
        names = [target.name for target in targets]
        metafunc.parametrize("target", targets, ids=names, indirect=True, scope="session")


def pytest_report_header(config: pytest.Config) -> list[str]:
    return [
        f"postgres: {target.version}, {target.bindir if target.dsn is None else 'PGQ_TEST_DSN'}"
        for target in config.stash[TARGETS]
    ]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if config.getoption("--quick") and leaves_out(config, collection_path) else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    note_first_cases(config, items)
    if config.getoption("--quick"):
        leave_out(config, items)
    elif not config.getoption("--pg"):
        leave_further_cases(config, items)
    for item in items:
        if target := target_of(item):
            # It is sent with the item's report, from the workers of pytest-xdist too.
            item.user_properties.append(("postgres", target.version))


def target_of(item: pytest.Item) -> Target | None:
    """Return the server that a test runs on, if it asks for one."""
    callspec = getattr(item, "callspec", None)
    found: Target | None = callspec.params.get("target") if callspec else None
    return found


def note_first_cases(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Note which items are the first case of their test, on the newest server."""
    seen = set[str]()
    for item in items:
        test = item.nodeid.partition("[")[0]
        is_newest = target_of(item) in (None, config.stash[TARGETS][0])
        item.stash[FIRST_CASE] = is_newest and test not in seen
        if is_newest:
            seen.add(test)


def leave_further_cases(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect all cases of a test but the first, on all servers but the newest."""
    older = config.stash[TARGETS][1:]
    seen = set[tuple[str, str]]()
    kept, dropped = list[pytest.Item](), list[pytest.Item]()
    for item in items:
        target = target_of(item)
        case = item.nodeid.partition("[")[0], target.name if target else ""
        (dropped if target in older and case in seen else kept).append(item)
        seen.add(case)
    items[:] = kept
    config.hook.pytest_deselected(items=dropped)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ran = Counter(
        dict(report.user_properties)["postgres"]
        for outcome in ("passed", "failed")
        for report in terminalreporter.stats.get(outcome, [])
        if report.when == "call" and "postgres" in dict(report.user_properties)
    )
    tests = ", ".join(f"{count} tests on {version}" for version, count in sorted(ran.items()))
    terminalreporter.write_line(f"postgres: {tests or 'no test used one'}")
    for report in terminalreporter.stats.get("passed", []):
        for name, said in report.user_properties:
            # A test that has figures for people records them under this name.
            if name == "says" and report.when == "call":
                terminalreporter.write_line(said)


@pytest.fixture(scope="session")
def target(request: pytest.FixtureRequest) -> Target:
    """Which of the run's servers this test is for."""
    chosen: Target = request.param
    return chosen


@pytest.fixture(scope="session")
def server(target: Target) -> Iterator[Server]:
    """The server that all tests for one version share."""
    if target.dsn:
        yield ExternalServer(target)
        return
    with start(target) as started:
        yield started


@pytest.fixture(scope="session")
def databases(server: Server) -> Iterator[Databases]:
    """Makes and drops databases on the shared server."""
    made = Databases(server)
    yield made
    made.close()


@pytest.fixture(scope="session")
def template(databases: Databases) -> Iterator[str]:
    """The name of a database that holds the schema, installed once; tests get copies of it."""
    with databases.fresh(as_template=True) as name:
        with databases.admin().transaction():
            # Roles belong to the whole server, which another run may share.
            databases.admin().execute("select pg_advisory_xact_lock(hashtext('pgq tests'))")
            install(databases.dsn(name))
        psycopg.connect(databases.dsn(name)).close()  # leaves the file of a session
        yield name


@pytest.fixture
def dsn(databases: Databases, template: str) -> Iterator[str]:
    """A fresh database with the schema, dropped afterwards with all who are still connected."""
    with databases.fresh(template) as name:
        yield databases.dsn(name)


@pytest.fixture
def empty_dsn(databases: Databases) -> Iterator[str]:
    """A fresh database without the schema, dropped like that of `dsn`."""
    with databases.fresh() as name:
        yield databases.dsn(name)


class InUtc(TimestamptzLoader):
    """Reads times in UTC, where an hour later is an hour later on every night.

    Python adds and subtracts by the wall clock of a zone.
    """

    def load(self, data: Buffer) -> datetime:
        return super().load(data).astimezone(UTC)


@pytest.fixture
def connect(dsn: str) -> Iterator[Connect]:
    """Opens more sessions on the database of `dsn`; all are closed at the end."""
    with ExitStack() as stack:

        def open_session(*, autocommit: bool = True, **parameters: Any) -> psycopg.Connection:
            session = psycopg.connect(dsn, autocommit=autocommit, **parameters)
            session.adapters.register_loader("timestamptz", InUtc)
            stack.callback(session.close)
            return session

        yield open_session


@pytest.fixture
def conn(connect: Connect) -> psycopg.Connection:
    """A session in autocommit mode on the database of `dsn`; rows are tuples."""
    return connect()


@pytest.fixture
def client(dsn: str) -> Iterator[pgq.Client]:
    """A client of the database of `dsn`."""
    with pgq.Client(dsn) as made:
        yield made


@pytest.fixture
def registry() -> pgq.Registry:
    """A registry without tasks."""
    return pgq.Registry()


@pytest.fixture
def travel(connect: Connect) -> Travel:
    """`travel("1 hour")` moves the clock of the test's database, for all its sessions."""
    return Travel(connect())


@pytest.fixture
def private_server(target: Target) -> Iterator[Server]:
    """A server of the test's own, to restart or to kill; without the schema (see `install`)."""
    if target.bindir is None:
        pytest.skip("no Postgres on this machine to start")
    with start(target) as started:
        yield started
