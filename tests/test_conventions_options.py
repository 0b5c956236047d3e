"""A job's options stand in one list in SQL and one in Python; what repeats them fits the list."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import get_type_hints

import click
import psycopg

import pgq
from pgq import options, schedules, task_keys
from pgq.calls import jobs
from pgq.calls import schedules as schedule_calls
from pgq.cli import cli

JOB = {option.name: option for option in options.OPTIONS}
SCHEDULE = {option.name: option for option in schedules.OPTIONS}


def _attributes(conn: psycopg.Connection, relation: str) -> list[tuple[str, str]]:
    return conn.execute(
        "select attname::text, format_type(atttypid, null) from pg_attribute"
        " where attrelid = %s::regclass and attnum > 0 and not attisdropped order by attnum",
        (f"pgq.{relation}",),
    ).fetchall()


def _arguments(conn: psycopg.Connection, function: str, mode: str) -> list[tuple[str, str]]:
    return conn.execute(
        "select name, format_type(type, null) from pg_proc, unnest(proargnames, proargmodes,"
        " coalesce(proallargtypes, proargtypes)) with ordinality as each (name, mode, type, place)"
        " where oid = %s::regproc and coalesce(mode, 'i') = %s order by place",
        (f"pgq.{function}", mode),
    ).fetchall()


def test_the_type_has_the_arguments_of_enqueue_in_their_order(conn: psycopg.Connection) -> None:
    internal = [("new_id", "bigint"), ("ref", "text")]
    read = {"args": "jsonb", "headers": "jsonb"}
    arguments = [(name, read.get(name, type_)) for name, type_ in _arguments(conn, "enqueue", "i")]
    assert _attributes(conn, "job_options") == internal + arguments


def test_a_new_job_has_the_columns_of_jobs_in_their_order(conn: psycopg.Connection) -> None:
    assert [("id", "bigint"), *_arguments(conn, "_new_job", "t")] == _attributes(conn, "jobs")


def test_the_list_is_the_one_of_the_type_in_its_order(conn: psycopg.Connection) -> None:
    short = {"timestamp with time zone": "timestamptz"}
    in_sql = {name: short.get(type_, type_) for name, type_ in _attributes(conn, "job_options")}
    del in_sql["new_id"]
    assert in_sql == {option.name: option.sql_type for option in options.OPTIONS}
    assert [*in_sql][1:] == [*JOB][:-1]


def test_schedules_have_the_arguments_of_their_function(conn: psycopg.Connection) -> None:
    short = {"timestamp with time zone": "timestamptz", "anycompatible": "jsonb"}
    in_sql = {name: short.get(type_, type_) for name, type_ in _arguments(conn, "schedule", "i")}
    in_sql["headers"] = "jsonb"
    assert in_sql == {option.name: option.sql_type for option in schedules.OPTIONS}


def test_what_is_written_out_has_the_options_of_the_list() -> None:
    assert {field.name for field in fields(pgq.NewJob)} == {*JOB}
    assert {field.name for field in fields(schedules.NewSchedule)} == {*SCHEDULE}
    assert [*inspect.signature(jobs.enqueue).parameters] == [*JOB][:-1]
    assert {*inspect.signature(schedule_calls.schedule).parameters} == {*SCHEDULE}
    shared = {option.name for option in options.OF_SCHEDULES}
    assert {*options.JobDefaults.__annotations__} == (
        shared - {"task", "args", "headers", "declared", *options.KEYS}
    )
    assert {*get_type_hints(options.JobOptions)} == {*JOB} - {"task", "args", "on_conflict", "ref"}
    of_tasks = {*get_type_hints(task_keys.TaskOptions)}
    assert of_tasks & {*JOB} == shared - {"task", "args", "headers", "declared"} | {
        "on_conflict",
        "unique_by",
    }
    assert {*get_type_hints(schedules.ScheduleOptions)} == {*SCHEDULE} - {"name", "task"}


def test_the_command_line_has_a_flag_for_each_option() -> None:
    schedule = cli.commands["schedule"]
    assert isinstance(schedule, click.Group)
    for command, listed in ((cli.commands["enqueue"], JOB), (schedule.commands["add"], SCHEDULE)):
        taken = {parameter.name for parameter in command.params}
        assert {*listed} - {"ref", "declared"} <= taken, command.name


def test_an_option_needs_one_that_there_is() -> None:
    assert {option.needs for option in options.OPTIONS} - {None} <= {*JOB}
    assert {*options.KEYS} <= {*JOB}
