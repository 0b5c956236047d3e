"""Fixtures for the tests of programs that use pgq; pytest finds them where pgq is installed.

    def test_sign_up(pgq_client, pgq_drain):
        sign_up("me@example.org")  # enqueues with the DSN of pgq_dsn
        [job] = pgq_drain()
        assert job.state == "succeeded"

The databases are on the server of --pgq-dsn or of PGQ_TEST_DSN. Without these, the run starts a
temporary server, which needs the extra `server`. Every test gets a new database, a copy of a
template, within milliseconds.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pgq.client.clients import Client
    from pgq.rows import Job, ListedJob
    from pgq.testing import Travel


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --pgq-dsn."""
    parser.getgroup("pgq").addoption(
        "--pgq-dsn",
        metavar="DSN",
        help="a Postgres for databases of tests, instead of a temporary one (PGQ_TEST_DSN)",
    )


@pytest.fixture(scope="session")
def pgq_server(request: pytest.FixtureRequest) -> Generator[str, None, None]:
    """The DSN of the server that has the tests' databases."""
    given = request.config.getoption("--pgq-dsn") or os.environ.get("PGQ_TEST_DSN")
    if given:
        yield str(given)
        return
    from pgq import embedded

    with embedded.start(None) as server:
        yield server.dsn


@pytest.fixture(scope="session")
def pgq_template(pgq_server: str) -> Generator[str, None, None]:
    """The name of a database that holds the schema. Override it to add tables of your own."""
    from pgq.testing.databases import database, install

    with database(pgq_server) as (name, dsn):
        install(pgq_server, dsn)
        yield name


@pytest.fixture
def pgq_dsn(pgq_server: str, pgq_template: str) -> Generator[str, None, None]:
    """The DSN of a new database with pgq in it; it is dropped after the test, even if in use."""
    from pgq.testing.databases import database

    with database(pgq_server, pgq_template) as (_, dsn):
        yield dsn


@pytest.fixture
def pgq_client(pgq_dsn: str) -> Generator[Client, None, None]:
    """A client on that database; every call is a transaction."""
    from pgq.client.clients import Client

    with Client(pgq_dsn) as client:
        yield client


@pytest.fixture
def pgq_drain(pgq_client: Client) -> Callable[..., list[Job]]:
    """`pgq.testing.drain` on that client: run what is ready, return the jobs as they are then."""
    from pgq.testing import drain

    return partial(drain, pgq_client)


@pytest.fixture
def pgq_assert_enqueued(pgq_client: Client) -> Callable[..., ListedJob]:
    """`pgq.testing.assert_enqueued` on that client."""
    from pgq.testing import assert_enqueued

    return partial(assert_enqueued, pgq_client)


@pytest.fixture
def pgq_travel(pgq_dsn: str) -> Generator[Travel, None, None]:
    """`pgq_travel("1 hour")` moves the clock of that database, for all its sessions."""
    from pgq.lib.connect import connect
    from pgq.testing import Travel

    with closing(connect(pgq_dsn, autocommit=True)) as connection:
        yield Travel(connection)


@pytest.fixture
def pgq_inline() -> Generator[None, None, None]:
    """Run jobs as soon as they are enqueued, for the whole test: `pgq.testing.inline`."""
    from pgq.testing import inline

    with inline():
        yield
