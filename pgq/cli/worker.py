"""The command worker: import the tasks, run a worker until it has ended."""

from __future__ import annotations

import importlib
import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from pgq.cli.app import cli
from pgq.cli.database import find_dsn
from pgq.cli.failures import WrongCall
from pgq.cli.options import database_options, duration, json_option

if TYPE_CHECKING:
    from pgq.tasks import Registry


@cli.command()
@click.argument("modules", metavar="MODULE...", nargs=-1, required=True)
@click.option(
    "-q",
    "--queue",
    "queues",
    multiple=True,
    metavar="QUEUE",
    help="A queue, prefix* or *; the first one given is served first.  [default: *]",
)
@click.option(
    "-c", "--concurrency", type=click.IntRange(1), help="How many jobs run at once.  [default: 10]"
)
@click.option("--prefetch", type=click.IntRange(0), help="How many more are claimed ahead.")
@click.option("--drain", is_flag=True, help="End when there is nothing left to run.")
@click.option("--name", help="Shown in `pgq stats`.  [default: host and process id]")
@click.option(
    "--lease",
    type=duration,
    metavar="DURATION",
    help="Silent for so long, the worker is given up and its jobs run elsewhere.  [default: 30s]",
)
@click.option(
    "--heartbeat-interval",
    type=duration,
    metavar="DURATION",
    help="How often the worker is heard of.  [default: a sixth of the lease]",
)
@click.option(
    "--poll-interval",
    type=duration,
    metavar="DURATION",
    help="The longest time between looks for work, without a hint.  [default: 2s]",
)
@click.option(
    "--schedules",
    "schedules_file",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="A TOML file of schedules to make at the start, as `pgq schedule sync` does.",
)
@click.option(
    "--schedule-source",
    metavar="NAME",
    help="Who owns the schedules that MODULE... declare.  [default: the modules' names]",
)
@click.option(
    "--no-schedules",
    is_flag=True,
    help="Neither make schedules nor fire them; other workers do.",
)
@click.option(
    "--listen-dsn", metavar="DSN", help="For notifications, where --dsn leads through a pooler."
)
@click.option(
    "--schema-timeout",
    type=duration,
    metavar="DURATION",
    help="How long to wait for a server or a schema that is not there yet.  [default: 1m]",
)
@click.option(
    "--shutdown-timeout",
    type=duration,
    metavar="DURATION",
    help="How long running jobs may take to end after the first signal.  [default: no limit]",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"]),
    default="info",
    show_default=True,
    help="The least important messages to log.",
)
@database_options
@json_option
def worker(
    modules: tuple[str, ...],
    queues: tuple[str, ...],
    dsn: str | None,
    listen_dsn: str | None,
    schema: str,
    log_level: str,
    no_schedules: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Run jobs of the tasks that MODULE... define. Jobs of other tasks wait for their worker.

    A module is imported by its dotted name, from the current folder too; it registers its tasks
    with @pgq.task. MODULE:NAME takes the tasks of the Registry called NAME in it.

    At its start the worker makes the schedules that the modules declare, and removes those that
    they declare no more. Then it fires what is due, unless it drains.

    SIGTERM or Ctrl-C lets running jobs end and hands back the others; the second one ends at once.
    When threads past their jobs' timeouts hang in every slot, the process starts itself anew.
    Log lines go to stderr, with --json a JSON object each.

    \b
      pgq worker app.tasks -q mail -q 'report*' -c 20
      pgq worker app.tasks --drain
    """
    import asyncio

    from pgq.errors import WorkerStuck
    from pgq.worker import Worker

    _log_to_stderr(log_level, as_json)
    registry = load_registry(modules)
    if listen_dsn is not None:
        options["listen_dsn"] = find_dsn(listen_dsn)
    given = {name: value for name, value in options.items() if value is not None}
    given.setdefault("schedule_source", ",".join(sorted({*modules})))
    if queues:
        given["queues"] = list(queues)
    if no_schedules:
        given["schedules"] = False
    try:
        asyncio.run(Worker(find_dsn(dsn), registry=registry, schema=schema, **given).run())
    except WorkerStuck as stuck:
        _start_anew(stuck.message)


def _start_anew(reason: str) -> NoReturn:
    """Replace this process by a new one with the same arguments and the same process id.

    Nothing else ends threads that hang; a supervisor sees no exit.
    """
    logging.getLogger("pgq").warning("starting anew: %s", reason)
    logging.shutdown()
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def load_registry(modules: tuple[str, ...]) -> Registry:
    """Import modules and return the registry of all the tasks that they name.

    WrongCall where a module or a registry in it is not found, where importing raises, or where no
    task is there.
    """
    from pgq import tasks

    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    chosen: list[Registry] = []
    for spec in modules:
        name, _, attribute = spec.partition(":")
        module = _import(name)
        found = getattr(module, attribute, None) if attribute else tasks.registry
        if not isinstance(found, tasks.Registry):
            raise WrongCall(f"{name} has no registry called {attribute}")
        if found not in chosen:
            chosen.append(found)
    registry = chosen[0] if len(chosen) == 1 else _merged(chosen)
    if not len(registry) and not registry.accept_all:
        raise WrongCall(
            f"no tasks in {' '.join(modules)}",
            "decorate functions with @pgq.task, and name the module that does",
        )
    return registry


def _merged(registries: list[Registry]) -> Registry:
    from pgq.tasks import Registry

    merged = Registry(accept_all=any(each.accept_all for each in registries))
    for registry in registries:
        for task in registry:
            merged.add(task)
        for schedule in registry.schedules:
            merged.add_schedule(schedule)
    return merged


def _import(name: str) -> object:
    if not all(part.isidentifier() for part in name.split(".")):
        raise WrongCall(f"{name} is no module's name", "name it as in `import app.tasks`")
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise WrongCall(
                f"there is no module {name}",
                "name it as in `import app.tasks`, from the folder where that works",
            ) from error
        raise _import_failure(name, error) from error
    except Exception as error:
        raise _import_failure(name, error) from error


def _import_failure(name: str, error: Exception) -> WrongCall:
    said = traceback.format_exception_only(error)[-1].strip()
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({_relative(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""
    return WrongCall(f"importing {name} failed: {said}{place}", "PGQ_DEBUG=1 shows the traceback")


def _relative(path: str) -> str:
    return path.removeprefix(f"{Path.cwd()}{os.sep}")


def _log_to_stderr(level: str, as_json: bool) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(
        _JsonLines() if as_json else logging.Formatter("%(asctime)s %(levelname)s %(message)s")
    )
    logging.basicConfig(level=level.upper(), handlers=[handler])


class _JsonLines(logging.Formatter):
    """A JSON object per record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record's time, level, logger, message and, if any, traceback."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
