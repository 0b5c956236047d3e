"""Install, upgrade and remove the schema.

Two texts make the same schema: `install_script` (sql/ as it is, for psql or a host project's own
migrations) and the revisions under migrations/, which `upgrade` runs through alembic and
`offline_script` prints. Alembic is imported by the functions that run it and by nothing else.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import errors, sql

from pgq.errors import MigrationError as MigrationError
from pgq.errors import SchemaNotOurs as SchemaNotOurs
from pgq.lib.connect import connect as open_connection
from pgq.schema.names import MIGRATIONS, SQL, Names, quote_identifier, read_script
from pgq.schema.start import BEGIN_SCRIPT as BEGIN_SCRIPT
from pgq.schema.start import KEEP_SETTINGS, RESTORE_SETTINGS
from pgq.schema.start import begin as begin
from pgq.schema.start import check_script as check_script
from pgq.schema.start import lock_script as lock_script
from pgq.schema.start import run_script as run_script
from pgq.schema.state import SchemaState, outside_dependents, schema_state

if TYPE_CHECKING:
    from alembic.config import Config

VERSION_TABLE: Final = "schema_version"

# Alembic keeps the environment of a run in module globals. So a process does one run at a time.
_ALEMBIC: Final = threading.Lock()

# Nobody needs to read "already exists, skipping".
_IDLE_NOTICES: Final = frozenset({"42P06", "42P07"})

# Other databases and schemas may use the roles too.
_ROLE_STAYS: Final = (
    errors.DependentObjectsStillExist,
    errors.InsufficientPrivilege,
    errors.ObjectInUse,
)


def install_script(schema: str = "pgq", role_prefix: str | None = None) -> str:
    """Return the complete install as SQL, for `psql -1 -f` or a single `execute`.

    It must run in one transaction. That one may go on afterwards, with the settings that it had.
    If the schema exists and is not empty, it fails and changes nothing. A later `upgrade` continues
    from it. Raises ValueError for an unusable name.
    """
    names = Names(schema, role_prefix)
    return "\n".join(
        (
            f"-- The schema {names.schema}, revision {head()}. Run it with:",
            "--   psql -X -1 -v ON_ERROR_STOP=1 -f FILE",
            KEEP_SETTINGS,
            BEGIN_SCRIPT,
            names.apply(read_script(SQL / "install.sql")),
            names.apply(f"insert into pgq.{VERSION_TABLE} (version_num) values ('{head()}');\n"),
            RESTORE_SETTINGS,
        )
    )


def offline_script(schema: str = "pgq", role_prefix: str | None = None) -> str:
    """Return what `upgrade` would run on an empty database, with its own begin and commit."""
    from alembic import command

    output = io.StringIO()
    config = _config(Names(schema, role_prefix), output)
    with _ALEMBIC:
        command.upgrade(config, "head", sql=True)
    return output.getvalue()


def upgrade(
    dsn: str = "", *, schema: str = "pgq", role_prefix: str | None = None, to: str = "head"
) -> list[str]:
    """Bring the schema to a revision, in one transaction; return the server's notices.

    The notices name what was skipped, such as roles that this user may not create. An empty DSN
    means libpq's variables. Calls at the same time wait for each other, and all but the first find
    nothing to do.
    Raises SchemaNotOurs, MigrationError (nothing was changed), ValueError for an unusable name, and
    psycopg.OperationalError where there is no connection.
    """
    from alembic import command
    from alembic.util import CommandError
    from sqlalchemy.exc import DBAPIError

    config = _config(Names(schema, role_prefix))
    notices: list[str] = []
    with connect(dsn, notices.append) as connection, _ALEMBIC:
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, to)
        except CommandError as error:
            raise MigrationError(str(error)) from error
        except (psycopg.Error, DBAPIError) as error:
            raise explained(error) from error
    return list(dict.fromkeys(notices))


def uninstall(dsn: str = "", *, schema: str = "pgq", role_prefix: str | None = None) -> list[str]:
    """Drop the schema with all its jobs, and its roles; return which roles stayed, and why.

    It is one transaction. Raises MigrationError if something outside of the schema depends on it,
    and says what; SchemaNotOurs if the schema is not ours.
    """
    names = Names(schema, role_prefix)
    with connect(dsn) as connection:
        try:
            run_script(connection, lock_script(names))
            _require_ours(connection, names)
            drop = sql.SQL("drop schema {} cascade").format(sql.Identifier(schema))
            connection.execute(drop)
            return _drop_roles(connection, names)
        except psycopg.Error as error:
            raise explained(error) from error


def schema_revision_sql(schema: str = "pgq") -> str:
    """Return the query for the schema's revision: one row, or none while it is being installed."""
    return f"select version_num from {quote_identifier(schema)}.{VERSION_TABLE}"


def current(dsn: str = "", schema: str = "pgq") -> str | None:
    """Return the revision that the schema is at; None where it is not installed.

    Raises MigrationError where this user may not read it. Does not import alembic.
    """
    Names(schema)
    with connect(dsn) as connection:
        try:
            row = run_script(connection, schema_revision_sql(schema)).fetchone()
        except (errors.UndefinedTable, errors.InvalidSchemaName, errors.UndefinedColumn):
            return None
        except psycopg.Error as error:
            raise explained(error) from error
    return None if row is None else str(row[0])


def revisions() -> list[str]:
    """Return the revisions that this release knows, the oldest first."""
    files = (MIGRATIONS / "versions").glob("*.sql")
    return sorted(path.stem.partition("_")[0] for path in files)


def head() -> str:
    """Return the newest revision that this release knows. Revisions compare as text."""
    return revisions()[-1]


def connect(dsn: str, on_notice: Callable[[str], None] | None = None) -> psycopg.Connection[Any]:
    """Open a connection for a migration; each notice's text goes to `on_notice`.

    Raises psycopg.OperationalError where there is no server.
    """
    connection = open_connection(dsn)
    # A session that waited for the lock must see what its holder did.
    connection.isolation_level = psycopg.IsolationLevel.READ_COMMITTED
    if on_notice is not None:
        connection.add_notice_handler(_teller(on_notice))
    return connection


def _teller(on_notice: Callable[[str], None]) -> Callable[[errors.Diagnostic], None]:
    def tell(diagnostic: errors.Diagnostic) -> None:
        if diagnostic.sqlstate not in _IDLE_NOTICES and diagnostic.message_primary:
            on_notice(diagnostic.message_primary)

    return tell


@contextmanager
def noticing(
    connection: psycopg.Connection[Any], on_notice: Callable[[str], None]
) -> Generator[None, None, None]:
    """Give the text of each notice of somebody else's connection to a function meanwhile."""
    tell = _teller(on_notice)
    connection.add_notice_handler(tell)
    try:
        yield
    finally:
        connection.remove_notice_handler(tell)


def prepare(connection: psycopg.Connection[Any], names: Names) -> None:
    """Lock the schema against other migrations, and check that it exists and is ours.

    migrations/env.py calls it in the migration's transaction, before alembic looks at the schema.
    """
    state = schema_state(connection, names.schema)
    _refuse_foreign(state, names)
    if not state.ours:
        state = _create_schema(connection, names)
    if not state.ours:
        return
    run_script(connection, check_script(names))
    run_script(connection, lock_script(names))
    row = run_script(connection, schema_revision_sql(names.schema)).fetchone()
    if row is None or row[0] in revisions():
        if row is not None and row[0] != head():
            refuse_extension(state, names, str(row[0]))
        return
    if str(row[0]) > head():
        raise MigrationError(
            f"the schema is at revision {row[0]}, this release knows revisions up to {head()}",
            "Install a newer release of pgq-sql.",
        )
    raise MigrationError(
        f"the schema is at revision {row[0]!r}, which no release has; this one knows "
        + ", ".join(revisions()),
        f"Restore the value of {VERSION_TABLE}.version_num: something else has changed it.",
    )


def _create_schema(connection: psycopg.Connection[Any], names: Names) -> SchemaState:
    """Make an empty schema, or find it made and filled by an installer that was faster."""
    try:
        with connection.transaction():
            run_script(connection, check_script(names))
            run_script(connection, names.apply(read_script(SQL / "schema.sql")))
    except psycopg.Error:
        state = schema_state(connection, names.schema)
        if not state.ours:
            raise
        return state
    return SchemaState(exists=True, ours=False, foreign=None)


def refuse_extension(state: SchemaState, names: Names, revision: str) -> None:
    """Raise MigrationError where an extension owns the version, and say how to update that."""
    if state.extension:
        raise MigrationError(
            f"the schema {names.schema} is {state.extension}, at revision {revision}; this "
            f"release has {head()}",
            "Put its files on the server (pgq migrate --extension DIR), then run: "
            "alter extension pgq_sql update;",
        )


def renew_grants(connection: psycopg.Connection[Any], names: Names) -> None:
    """Grant what sql/grants.sql says, also to roles that were created after the install.

    migrations/env.py calls it at the end of every migration to the newest revision. If the user
    does not own the schema, it does nothing.
    """
    row = run_script(connection, schema_revision_sql(names.schema)).fetchone()
    if row is None or str(row[0]) != head():
        return
    try:
        with connection.transaction():
            run_script(connection, names.apply(read_script(SQL / "grants.sql")))
    except errors.InsufficientPrivilege:
        return


def run_revision(stub: str) -> None:
    """Run the .sql file beside a revision's stub as it is: neither ` :name` nor `%` is special.

    Alembic calls it. Offline, the file goes to the output.
    """
    from alembic import op

    context = op.get_context()
    script = context.opts["names"].apply(read_script(Path(stub).with_suffix(".sql")))
    if context.as_sql:
        context.impl.static_output(script)
    else:
        driver: Any = op.get_bind().connection.driver_connection
        run_script(driver, script)


def refuse_downgrade() -> None:
    """Raise MigrationError: revisions only go forward."""
    raise MigrationError(
        "there is no way back to an older revision",
        "Restore a backup, or remove the schema and its jobs with `pgq uninstall`.",
    )


def explained(error: Exception) -> MigrationError:
    """Return the server's error as a MigrationError; SQLAlchemy wraps some errors."""
    if isinstance(error, MigrationError):
        return error
    cause = getattr(error, "orig", error)
    if not isinstance(cause, psycopg.Error):
        return MigrationError(str(error))
    message = cause.diag.message_primary or str(cause)
    if cause.sqlstate == "JQ005":
        return SchemaNotOurs(message, cause.diag.message_hint)
    if isinstance(cause, errors.LockNotAvailable):
        return MigrationError(
            f"the schema is in use: {message}",
            "Another session holds a lock on it. Try again when its transaction has ended.",
        )
    hint = cause.diag.message_hint
    if isinstance(cause, errors.InsufficientPrivilege):
        hint = hint or "Run it as the owner of the schema."
    return MigrationError(message, hint)


def _config(names: Names, output: io.StringIO | None = None) -> Config:
    from alembic.config import Config

    config = Config(output_buffer=output) if output else Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["names"] = names
    return config


def _require_ours(connection: psycopg.Connection[Any], names: Names) -> None:
    state = schema_state(connection, names.schema)
    if not state.exists:
        raise MigrationError(f"there is no schema {names.schema}")
    _refuse_foreign(state, names)
    if not state.ours:
        raise SchemaNotOurs(f"the schema {names.schema} is empty: it was not installed by pgq")
    refuse_drop(state, names)
    if dependents := outside_dependents(connection, names.schema):
        raise MigrationError(
            f"outside the schema {names.schema} these depend on it: " + ", ".join(dependents),
            "Drop them first.",
        )


def refuse_drop(state: SchemaState, names: Names) -> None:
    """Raise MigrationError where the schema goes with its extension, and only with that."""
    if state.extension:
        raise MigrationError(
            f"the schema {names.schema} is {state.extension}",
            "Drop that with all its jobs: drop extension pgq_sql; or make it a plain install "
            "first: pgq adopt --undo",
        )


def _refuse_foreign(state: SchemaState, names: Names) -> None:
    if state.foreign:
        raise SchemaNotOurs(
            f"the schema {names.schema} is not ours: {state.foreign}",
            "Choose another schema with --schema NAME.",
        )


def _drop_roles(connection: psycopg.Connection[Any], names: Names) -> list[str]:
    notices: list[str] = []
    roles = connection.execute(
        "select rolname::text from pg_catalog.pg_roles where rolname = any(%s)",
        (list(names.roles),),
    )
    for (role,) in roles.fetchall():
        try:
            with connection.transaction():
                connection.execute(sql.SQL("drop role {}").format(sql.Identifier(role)))
        except _ROLE_STAYS as error:
            notices.append(f"role {role} was left: {error.diag.message_primary}")
    return notices
