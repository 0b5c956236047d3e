"""The style of sql/ (docs/decisions, "Style of sql/"), checked in the files and in the catalog."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import psycopg
import pytest

from pgq.schema import migrate
from pgq.schema.names import Names
from tests.sources import (
    CHECKOUT,
    CORES,
    FACES,
    FILES,
    FUNCTION_FILES,
    INCLUDED,
    MANIFEST,
    PUBLIC,
    called_by_views,
    code,
    function_code,
    of_folder,
    offenders,
    read,
)

TRIGGER_FUNCTIONS = {
    name
    for path in of_folder("triggers")
    for name in re.findall(r"create (?:or replace )?function pgq\.(\w+)", code(path))
}

# Plain SQL that is inlined into the statements of pinned functions; a SET clause would prevent it.
INLINED = {
    "_claimed_jobs",
    *("_lowest_bit", "_now", "_job_problem", "_job_rows", "_new_job", "_task_problem"),
    *(
        "_json_problem",
        "_unique_key_problem",
        "_args_are_named",
        "_add_interval",
        "_counted_between",
        "_ready_ranges",
        "_waiting_parts",
        "_selector_matches",
    ),
    *("_normalise_schema_name", "_status_above", "_living_workers", "_worker_silence"),
    *("_concurrency_json", "_coordination_problem", "_bucket_tokens"),
    *("_microseconds", "_bucket_letter"),
    *("_finished_job_fits", "_job_fits", "_job_places", "_is_wanted"),
}
CONVERTERS = {"_to_json", "_parse_json", "_shorten"}
# A row brings its columns' types along, so this too runs with the rights of its caller.
INVOKERS = FACES | {"enqueue_trigger", "publish_trigger"}
# DDL needs names of tables, and a table's name cannot be a parameter.
DYNAMIC = {
    "_make_history_partition",
    "_revoke_default_grants",
    "_revoke_type_usage",
    "_drop_history_partition",
    "_shrink_history_day",
    "shard_init",
}
ARGUMENT_TYPES = {
    "text",
    "bigint",
    "interval",
    "timestamp with time zone",
    "boolean",
    "text[]",
    "bigint[]",
    "interval[]",
    "boolean[]",
    "anycompatible",
}
SQLSTATES = {"42501", "JQ001", "JQ002", "JQ003", "JQ004", "JQ005", "JQ006", "JQ007", "JQ008"}
SQLSTATES |= {"JQ009", "JQ010"}
KEYWORDS = re.compile(
    r"\b(SELECT|FROM|WHERE|INSERT|UPDATE|DELETE|CREATE|ALTER|BEGIN|END|RETURNS?|DECLARE|LOOP|THEN"
    r"|CASE|WHEN|ELSE|EXISTS|AND|OR|NOT|NULL|LIMIT|ORDER BY|GROUP BY|RAISE|GRANT|REVOKE)\b"
)

LARGEST_FILE = 200_000  # bytes

# Comments come first, so that an apostrophe in one does not begin a literal.
LITERALS = re.compile(r"--[^\n]*|/\*.*?\*/|([A-Za-z&]*)'((?:[^']|'')*)'", re.DOTALL)
STYLED = re.compile(
    r"\b(?:\w+_at|every|timeout|lease|delay|lag|after|run_time)\b(?:::text|\s*\|\|\s*'')"
)


def names(conn: psycopg.Connection, query: str) -> set[str]:
    return {name for (name,) in conn.execute(query.encode())}


def test_lines() -> None:
    def check(path: Path) -> list[str]:
        text = read(path)
        wrong = [] if text.endswith("\n") and not text.endswith("\n\n") else ["the end"]
        return wrong + [
            f"line {number}"
            for number, line in enumerate(text.splitlines(), 1)
            if "\t" in line or line != line.rstrip() or len(line) > 100
        ]

    assert offenders(FILES, check) == {}


def test_keywords_are_lower_case() -> None:
    assert offenders(FILES, lambda path: KEYWORDS.findall(code(path))) == {}


def test_literals_read_alike_whatever_a_session_has_set() -> None:
    # Without standard_conforming_strings a backslash escapes in a plain literal, and U& fails.
    def check(path: Path) -> list[str]:
        return [
            literal
            for kind, literal in LITERALS.findall(read(path))
            if kind.lower() not in {"", "e"} or (not kind and "\\" in literal)
        ]

    assert offenders(FILES, check) == {}


def test_intervals_and_times_are_not_made_text_by_a_sessions_style() -> None:
    assert offenders(FILES, lambda path: STYLED.findall(code(path))) == {}


def test_one_function_per_file_with_its_comment_under_it() -> None:
    def check(path: Path) -> list[str]:
        text = code(path)
        created = re.findall(r"create (?:or replace )?(\w+) pgq\.(\w+)", text)
        commented = re.findall(r"comment on (\w+) pgq\.(\w+) is", text)
        if created != [("function", path.stem)] or commented != created:
            return [f"created {created}, commented {commented}"]
        under = text.index("comment on") > text.index("create")
        return [] if under else ["the comment stands above"]

    assert offenders(FUNCTION_FILES, check) == {}


def test_each_table_has_a_key() -> None:
    """Without one Postgres refuses updates and deletes where all tables are published."""
    tables = [path for path in FILES if path.parent.name == "tables"]
    assert offenders(tables, lambda path: "primary key" not in code(path)) == {}


@pytest.mark.parametrize("folder", ["types", "tables", "views"])
def test_one_type_table_or_view_per_file(folder: str) -> None:
    def check(path: Path) -> list[str]:
        made = re.findall(
            rf"create (?:or replace )?{folder[:-1]} (?:if not exists )?pgq\.(\w+)", code(path)
        )
        fits = made[:1] == [path.stem]
        return [] if fits and all(each.startswith(f"{path.stem}_") for each in made[1:]) else made

    assert offenders(of_folder(folder), check) == {}


def test_bodies_are_short() -> None:
    def check(path: Path) -> list[int]:
        bodies = re.findall(r"as \$\$\n(.*?)\$\$", read(path), flags=re.DOTALL)
        return [lines for body in bodies if (lines := len(body.splitlines())) > 60]

    assert offenders(FUNCTION_FILES, check) == {}


def test_whoever_makes_jobs_ready_wakes_workers() -> None:
    def check(path: Path) -> bool:
        text = code(path)
        makes = "insert into pgq.ready " in text and path.stem != "_fill_slots"  # its caller wakes
        return makes and not ("pgq._notify_ready(" in text or "pgq._wake_workers(" in text)

    assert offenders(FUNCTION_FILES, check) == {}


def test_no_dynamic_sql_but_for_tables() -> None:
    dynamic = {
        path.stem for path in FUNCTION_FILES if re.search(r"\bexecute\b(?! function)", code(path))
    }
    assert dynamic == DYNAMIC


def test_locked_rows_are_used_by_the_statement_that_finds_them() -> None:
    """A row comes back from a lock as it is by then, at a place that its statement may not see.

    So a CTE that locks rows hands on no places: one that deletes by place goes on with what it has
    deleted.
    """

    def check(path: Path) -> list[str]:
        text = code(path)
        wrong = []
        for begun in re.finditer(r"\w+ as (?:materialized )?\(\s*select\b", text):
            depth, end = 1, text.index("(", begun.start()) + 1
            while depth:
                depth += {"(": 1, ")": -1}.get(text[end], 0)
                end += 1
            body = text[begun.start() : end]
            if "skip locked" in body and "ctid" in body:
                wrong.append(body)
        return wrong

    assert offenders(FUNCTION_FILES, check) == {}


def test_errors_have_a_state_and_notices_too_have_a_hint() -> None:
    def check(path: Path) -> list[str]:
        wrong = []
        for raised in re.findall(r"^ *raise (?!data_exception;).*?;$", read(path), re.M | re.S):
            state = re.search(r"errcode = '(\w+)'", raised)
            known = state and state.group(1) in SQLSTATES
            if not (known or raised.lstrip().startswith("raise notice")) or "hint = " not in raised:
                wrong.append(raised)
        return wrong

    assert offenders(FUNCTION_FILES, check) == {}


@pytest.mark.skipif(not (CHECKOUT / ".git").exists(), reason="not a checkout")
def test_no_tracked_file_is_large() -> None:
    """What is that large was not written by hand: output, a dump, a binary."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, check=True
    )
    tracked = [CHECKOUT / name for name in listed.stdout.decode().split("\0") if name]
    assert tracked
    large = {
        str(path.relative_to(CHECKOUT)): path.stat().st_size
        for path in tracked
        if path.is_file() and path.stat().st_size > LARGEST_FILE
    }
    assert large == {}


def test_the_manifest_names_every_file_once() -> None:
    assert sorted(INCLUDED) == sorted(set(FILES) - {MANIFEST})
    for line in read(MANIFEST).splitlines():
        assert not line or line.startswith(("--", "\\ir ")), line


def test_files_are_what_the_database_holds(conn: psycopg.Connection) -> None:
    functions = names(conn, "select proname from pg_proc where pronamespace = 'pgq'::regnamespace")
    assert functions == {path.stem for path in FUNCTION_FILES} | TRIGGER_FUNCTIONS
    tables = names(
        conn,
        "select relname from pg_class where relnamespace = 'pgq'::regnamespace"
        " and relkind in ('r', 'p') and not relispartition",
    )
    assert tables == {path.stem for path in of_folder("tables")}
    views = names(
        conn,
        "select relname from pg_class where relnamespace = 'pgq'::regnamespace and relkind = 'v'",
    )
    assert views == {path.stem for path in of_folder("views")}


def test_no_overloads(conn: psycopg.Connection) -> None:
    overloaded = names(
        conn,
        "select proname from pg_proc where pronamespace = 'pgq'::regnamespace"
        " group by proname having count(*) > 1",
    )
    assert overloaded == set()


def test_everything_is_commented(conn: psycopg.Connection) -> None:
    silent = names(
        conn,
        "select format('function %s', proname) from pg_proc"
        " where pronamespace = 'pgq'::regnamespace"
        " and obj_description(oid, 'pg_proc') is null"
        " union all"
        " select format('table %s', relname) from pg_class"
        " where relnamespace = 'pgq'::regnamespace and relkind in ('r', 'p', 'v')"
        " and obj_description(oid, 'pg_class') is null"
        " union all"
        " select format('column %s.%s', relname, attname) from pg_attribute"
        " join pg_class c on c.oid = attrelid"
        " where relnamespace = 'pgq'::regnamespace and relkind in ('r', 'p', 'v')"
        " and not relispartition and attnum > 0 and not attisdropped"
        " and col_description(attrelid, attnum) is null"
        " union all"
        " select format('type %s', typname) from pg_type join pg_class c on c.oid = typrelid"
        " where typnamespace = 'pgq'::regnamespace and relkind = 'c'"
        " and obj_description(pg_type.oid, 'pg_type') is null"
        " union all"
        " select format('trigger %s', tgname) from pg_trigger join pg_class c on c.oid = tgrelid"
        " where relnamespace = 'pgq'::regnamespace and not tgisinternal"
        " and obj_description(pg_trigger.oid, 'pg_trigger') is null",
    )
    assert silent == set()
    described = names(conn, "select obj_description('pgq'::regnamespace, 'pg_namespace')")
    assert described != {None}


def test_search_path_is_pinned(conn: psycopg.Connection) -> None:
    loose = names(
        conn,
        "select proname from pg_proc where pronamespace = 'pgq'::regnamespace"
        " and 'search_path=pg_catalog, pg_temp' <> all(coalesce(proconfig, '{}'))",
    )
    assert loose == INLINED | FACES | {"_to_json"}
    definers = names(
        conn,
        "select proname from pg_proc where pronamespace = 'pgq'::regnamespace and prosecdef",
    )
    assert not definers & INLINED


def test_public_functions_run_with_the_owners_rights(conn: psycopg.Connection) -> None:
    definers = names(
        conn,
        "select proname from pg_proc where pronamespace = 'pgq'::regnamespace and prosecdef",
    )
    assert PUBLIC - definers == INVOKERS
    assert definers - PUBLIC <= TRIGGER_FUNCTIONS | called_by_views() | CORES


def test_only_faces_see_values_of_a_type_that_others_chose(conn: psycopg.Connection) -> None:
    """A type brings code along: casts, domain checks, output functions, operators.

    Merely to hand a domain over a composite type to a PL/pgSQL function runs the domain's check,
    with the function's rights.
    """
    open_to_types = names(
        conn,
        "select distinct proname from pg_proc, unnest(proargtypes) as argument"
        " join pg_type t on t.oid = argument"
        " where pronamespace = 'pgq'::regnamespace and typtype = 'p'",
    )
    assert open_to_types == FACES | {"_to_json"}
    definers = "select proname from pg_proc where pronamespace = 'pgq'::regnamespace and prosecdef"
    assert not open_to_types & names(conn, definers)
    # A granted function with the owner's rights takes scalars of Postgres, and arrays of them.
    others = names(
        conn,
        "select proname || ' ' || typname"
        " from pg_proc, unnest(proargtypes) as argument join pg_type t on t.oid = argument"
        " where pronamespace = 'pgq'::regnamespace and prosecdef"
        " and (typtype <> 'b' or typnamespace <> 'pg_catalog'::regnamespace or t.oid >= 16384)",
    )
    assert others == set()
    rows_of_others = names(
        conn,
        "select proname from pg_proc where pronamespace = 'pgq'::regnamespace and prosecdef"
        " and prorettype in ('trigger'::regtype, 'event_trigger'::regtype)",
    )
    # Nobody may make a trigger of these: they are granted to nobody.
    assert rows_of_others == TRIGGER_FUNCTIONS


def test_only_faces_convert() -> None:
    call = re.compile(r"(?<!function )pgq\._to_json\(")
    assert {path.stem for path in FUNCTION_FILES if call.search(code(path))} == FACES


def test_whoever_may_call_a_face_may_call_what_it_calls(conn: psycopg.Connection) -> None:
    """Its body runs with the caller's rights, its errors too."""
    missing = []
    for face in INVOKERS:
        todo, called = {face}, set[str]()
        while todo:
            found = set(re.findall(r"pgq\.(\w+)\(", function_code(todo.pop()))) - called
            called |= found
            todo |= found - CORES
        query = (
            "select role, name from unnest(%s::text[]) as name, unnest(array['producer', 'worker',"
            " 'operator', 'observer', 'monitor']) as role"
            " where has_function_privilege('pgq_' || role, %s::regproc, 'execute') and not"
            " has_function_privilege('pgq_' || role, ('pgq.' || name)::regproc, 'execute')"
        )
        missing += conn.execute(query, (sorted(called), f"pgq.{face}")).fetchall()
    assert missing == []


@pytest.mark.parametrize("face", sorted(FACES))
def test_a_core_has_the_arguments_of_its_face(conn: psycopg.Connection, face: str) -> None:
    signatures = [
        conn.execute(
            "select pronargs, proargnames, string_to_array(oidvectortypes(proargtypes), ', ')"
            " from pg_proc where pronamespace = 'pgq'::regnamespace and proname = %s",
            (name,),
        ).fetchall()
        for name in (face, f"_{face}")
    ]
    (count, given, types), (core_count, core_given, core_types) = (rows for (rows,) in signatures)
    assert (count, given[:count]) == (core_count, core_given[:core_count])
    assert [name.replace("anycompatible", "jsonb") for name in types] == core_types


def test_private_functions_are_granted_to_nobody(conn: psycopg.Connection) -> None:
    granted = names(
        conn,
        "select distinct proname from pg_proc,"
        " aclexplode(coalesce(proacl, acldefault('f', proowner))) as entry"
        " where pronamespace = 'pgq'::regnamespace and entry.grantee <> proowner",
    )
    assert {name for name in granted if name.startswith("_")} == (
        called_by_views() | CORES | CONVERTERS
    )
    assert granted >= PUBLIC


def test_arguments_are_of_types_that_every_driver_reaches(conn: psycopg.Connection) -> None:
    found = names(
        conn,
        "select distinct format_type(argument, null) from pg_proc, unnest(proargtypes) as argument"
        " where pronamespace = 'pgq'::regnamespace and proname !~ '^_'",
    )
    assert found <= ARGUMENT_TYPES


def test_arguments_are_named_without_prefix_and_optional_ones_come_last(
    conn: psycopg.Connection,
) -> None:
    rows = conn.execute(
        "select proname, pronargs, proargnames from pg_proc"
        " where pronamespace = 'pgq'::regnamespace and proname !~ '^_' and pronargs > 0"
    )
    for function, count, arguments in rows:
        given = arguments[:count]
        assert len(given) == count and all(given), function
        assert not any(name.startswith(("p_", "v_", "_")) for name in given), function


def test_answers_have_explicit_columns(conn: psycopg.Connection) -> None:
    """Or a type that was made for the answer, where arguments have the columns' names."""
    whole_rows = names(
        conn,
        "select proname from pg_proc join pg_type t on t.oid = prorettype"
        " join pg_class c on c.oid = typrelid"
        " where pronamespace = 'pgq'::regnamespace and proname !~ '^_' and relkind <> 'c'",
    )
    assert whole_rows == set()


def test_constraints_are_named_by_hand(conn: psycopg.Connection) -> None:
    """Postgres' own names end in _check or _key; sentences and primary keys do not."""
    automatic = names(
        conn,
        "select conname from pg_constraint where connamespace = 'pgq'::regnamespace"
        " and contype <> 'n' and conname ~ '_(check|key|fkey|excl)[0-9]*$'",
    )
    assert automatic == set()


def test_nothing_waits_for_another_table(conn: psycopg.Connection) -> None:
    """A foreign key or a rule would take locks behind a function's back."""
    locks = (
        "select conname from pg_constraint where connamespace = 'pgq'::regnamespace"
        " and contype = 'f'"
    )
    assert names(conn, locks) == set()
    triggers = "select tgname from pg_trigger where not tgisinternal"
    notifying = {"blocked_notify", "releases_notify", "scheduled_notify", "schedules_notify"}
    others = {"settings_replace", "shard_sets_steps", "workers_remember"}
    assert names(conn, triggers) == notifying | others


@pytest.mark.slow
@pytest.mark.skipif(not find_spec("pgspot"), reason="pgspot is not installed")
@pytest.mark.parametrize("way", ["extension", "install", "offline", "upgrade"])
def test_pgspot_finds_nothing(tmp_path: Path, way: str) -> None:
    """In the whole script, as it is run: nothing is looked up where others may put something.

    Left out are the inlined functions that only pinned ones call, in whose search_path they are
    resolved. Nobody pins the others, and faces: that they lack a search_path is all that is found.
    """
    parts = sorted((migrate.MIGRATIONS / "extension").glob("*.sql"))
    whole = {
        "extension": "begin;" + migrate.BEGIN_SCRIPT + "".join(map(read, parts)),
        "install": migrate.install_script(),
        "offline": migrate.offline_script(),
        "upgrade": "begin;" + migrate.check_script(Names()) + migrate.lock_script(Names()),
    }[way]
    inlined = "|".join(INLINED - called_by_views())
    pattern = rf"create or replace function pgq\.({inlined})\(.*?\n\$\$;\n"
    script = tmp_path / "install.sql"
    script.write_text(re.sub(pattern, "", whole, flags=re.DOTALL))
    command = [sys.executable, "-m", "pgspot", "--ignore", "PS005", str(script)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Errors: 0 Warnings: 0 Unknown: 0" in answer.stdout, answer.stdout + answer.stderr
