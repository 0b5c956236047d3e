"""What `pgq migrate --tle` prints, run against functions of pg_tle's names that note their calls.

The real pg_tle is in no package of Debian's.
"""

from __future__ import annotations

import psycopg
import pytest

from pgq.schema import extension
from pgq.version import __version__
from tests.sql.calls import scalar

STAND_IN = """
create schema pgtle;
create table pgtle.version (name text, version text, script text, belongs text);
create table pgtle.step (name text, path text, script text);
create table pgtle.chosen (version text);
create function pgtle.install_extension(
  name text, version text, description text, ext text, requires text[], schema text default null
) returns boolean language sql begin atomic
  insert into pgtle.version values (name, version, ext, schema) returning true; end;
create function pgtle.install_extension_version_sql(name text, version text, ext text)
  returns boolean language sql begin atomic
  insert into pgtle.version values (name, version, ext, null) returning true; end;
create function pgtle.install_update_path(name text, fromvers text, tovers text, ext text)
  returns boolean language sql begin atomic
  insert into pgtle.step values (name, fromvers || '--' || tovers, ext) returning true; end;
create function pgtle.set_default_version(name text, version text)
  returns boolean language sql begin atomic
  delete from pgtle.chosen; insert into pgtle.chosen values (version) returning true; end;
create function pgtle.available_extensions(out name name) returns setof name
  language sql begin atomic select name from pgtle.version; end;
create function pgtle.available_extension_versions(out name name, out version text)
  returns setof record language sql begin atomic select name, version from pgtle.version; end;
create function pgtle.extension_update_paths(name text, out path text)
  returns setof text language sql begin atomic select path from pgtle.step; end;
"""


@pytest.mark.slow
def test_it_gives_pg_tle_what_it_lacks(empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    versions = "select array_agg(version order by version), array_agg(belongs) from pgtle.version"
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        conn.execute(STAND_IN.encode())
        scripts = {"pgq_sql--0.0.8.sql": "select 8;", "pgq_sql--unpackaged.sql": "select 0;"}
        monkeypatch.setattr(extension, "scripts", lambda: scripts)
        for _ in range(2):
            conn.execute(extension.tle_script().encode())
            assert conn.execute(versions.encode()).fetchone() == (["0.0.8"], ["pg_catalog"])
        scripts["pgq_sql--0.0.9.sql"] = "select 9;"
        scripts["pgq_sql--0.0.8--0.0.9.sql"] = "select 'from 8';"
        for _ in range(2):
            conn.execute(extension.tle_script().encode())
            found = conn.execute(versions.encode()).fetchone()
            assert found and found[0] == ["0.0.8", "0.0.9"]
            steps = conn.execute("select path, script from pgtle.step").fetchall()
            assert steps == [("0.0.8--0.0.9", "select 'from 8';")]
        assert scalar(conn, "select version from pgtle.chosen") == __version__


@pytest.mark.slow
def test_the_script_comes_through_whole(empty_dsn: str) -> None:
    with psycopg.connect(empty_dsn, autocommit=True) as conn:
        conn.execute(STAND_IN.encode())
        conn.execute(extension.tle_script().encode())
        given = scalar(conn, "select script from pgtle.version")
    assert given == extension.scripts()[f"pgq_sql--{__version__}.sql"]
