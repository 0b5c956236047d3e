"""The command worker: import the tasks, run workers until they have ended."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click
from click.core import ParameterSource

from pgq.cli.app import cli
from pgq.cli.database import find_dsn
from pgq.cli.failures import Refusal, WrongCall
from pgq.cli.fleet import databases
from pgq.cli.modules import load_tasks, provide_settings
from pgq.cli.options import duration, fleet_options, json_option, load_chosen
from pgq.config.keys import (
    ADDRESS,
    COUNT,
    COUNT_OR_0,
    COUNTS,
    DSN,
    DURATION,
    KEYS,
    PATH,
    TEXT,
    Kind,
    field_of,
)

if TYPE_CHECKING:
    from pgq.config.keys import Config
    from pgq.processes.fleet import Database
    from pgq.processes.group import Crew, Member
    from pgq.processes.plan import ProcessPlan
    from pgq.tasks import Registry

Command = TypeVar("Command", bound=Callable[..., Any])


def _read_numbers(_ctx: click.Context, _option: click.Parameter, given: str | None) -> object:
    return given and COUNTS.parse(given)


# What an option takes, by what the key of the configuration may hold.
_TYPES: Mapping[Kind, dict[str, Any]] = {
    TEXT: {"metavar": "TEXT"},
    ADDRESS: {"metavar": "URL"},
    DSN: {"metavar": "DSN"},
    PATH: {"metavar": "FILE", "type": click.Path(path_type=Path)},
    COUNT: {"type": click.IntRange(1)},
    COUNTS: {"metavar": "N,N", "callback": _read_numbers},
    COUNT_OR_0: {"type": click.IntRange(0)},
    DURATION: {"metavar": "DURATION", "type": duration},
}


def _key_options(command: Command) -> Command:
    """Give a command the options that are keys of the configuration."""
    for name, key in reversed(list(KEYS.items())):
        field = field_of(name)
        flags = [f"--{field.replace('_', '-')}"] if key.flags is None else key.flags
        if flags:
            kind = key.kind
            takes = {"type": click.Choice(kind.choices)} if kind.choices else _TYPES[kind]
            default = f"  [default: {key.default}]" if key.default else ""
            command = click.option(*flags, field, help=f"{key.help}.{default}", **takes)(command)
    return command


@cli.command()
@click.argument("modules", metavar="MODULE...", nargs=-1)
@click.option(
    "-q",
    "--queue",
    "queues",
    multiple=True,
    metavar="QUEUES",
    help="A queue, prefix* or *, or several with commas; the first one is served first.  "
    "[default: *]",
)
@_key_options
@click.option("--only-work", is_flag=True, help="Leave maintenance and schedules to others.")
@click.option(
    "--only-maintain", is_flag=True, help="Run no jobs: only maintenance, due jobs and schedules."
)
@click.option("--drain", is_flag=True, help="End when no job is left to run.")
@click.option("--reload", is_flag=True, help="Restart when a source file changes; for development.")
@click.option(
    "--no-schedules",
    is_flag=True,
    help="Do not make or fire schedules; other workers do.",
)
@fleet_options
@json_option
@click.pass_context
def worker(
    ctx: click.Context,
    /,
    only_work: bool,
    only_maintain: bool,
    no_schedules: bool,
    drain: bool,
    reload: bool,
    as_json: bool,
    queues: tuple[str, ...],
    **options: Any,
) -> None:
    """Run jobs of the tasks that MODULE... define. Jobs of other tasks wait for their worker.

    A module is imported by its dotted name, from the current folder too; it registers its tasks
    with @pgq.task. MODULE:NAME takes the tasks of the Registry called NAME in it.

    When it starts, the worker makes the schedules that the modules declare, and removes those that
    they no longer declare. Then it fires due schedules, unless it drains.

    You can write all options into the configuration (see `pgq config show`), also several sets of
    workers, each with its own queues, concurrency and processes.

    SIGTERM or Ctrl-C lets running jobs end and hands back the others. A second one, or SIGQUIT,
    ends at once. With several processes SIGHUP reads the configuration again and restarts the
    changed sets. If a thread past its job's timeout hangs in every slot, the process starts itself
    again. Log lines go to stderr; with --json each is a JSON object.

    With several --dsn or --installation it serves all these databases. They share the slots of
    --concurrency, and one that is away stops none of the others.

    \b
      pgq worker app.tasks -q 'mail,report*' -c 20
      pgq worker app.tasks --processes 4 -q 'critical,email*,*'
      pgq worker app.tasks -q 'mail,bulk' --shares 3,1
      pgq worker app.tasks --drain
      pgq worker --only-maintain
      pgq worker app.tasks --installation 's*' -c 20
    """
    if only_work and only_maintain:
        raise WrongCall("--only-work and --only-maintain exclude each other")
    if only_maintain and drain:
        raise WrongCall("--only-maintain runs no jobs: there is nothing to drain")
    only = "work" if only_work else "maintain" if only_maintain else None
    given = {
        name: value
        for name, value in options.items()
        if ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE
    }
    overrides = {key: given[field_of(key)] for key in KEYS if field_of(key) in given}
    overrides["worker.queues"] = _split(queues)
    overrides["worker.only"] = only
    overrides["worker.schedules"] = False if no_schedules else None
    overrides["log.format"] = "json" if as_json else None
    _Run(overrides, drain=drain, reload=reload).start()


class _Run:
    """One call of the command: reads the configuration, as often as need be, and obeys it."""

    def __init__(self, overrides: dict[str, object], *, drain: bool, reload: bool) -> None:
        self._overrides = overrides
        self._drain = drain
        self._reload = reload
        self._config, self._several = self._read()
        # What the event loop's main coroutine is wrapped in.
        self._watch: Callable[[Coroutine[Any, Any, Any]], Coroutine[Any, Any, Any]] = lambda it: it

    def _read(self) -> tuple[Config, Sequence[Database]]:
        """Return the configuration, and the databases where there are several."""
        found = self._read_once()
        # What a module's host program says may be more than which modules there are.
        return self._read_once() if provide_settings(found[0].modules) else found

    def _read_once(self) -> tuple[Config, Sequence[Database]]:
        several = databases(self._overrides)
        config = several[0].config if several else load_chosen(self._overrides)
        return config, several

    def start(self) -> None:
        from pgq.lib.locks import Taken, name_lock, pidfile

        config = self._config
        log_to_stderr(config.log_level, config.log_format)
        if not config.modules and config.only != "maintain":
            raise click.UsageError(_missing_module(), click.get_current_context())
        plans = self._plans()
        with ExitStack() as held:
            try:
                if config.lock is not None:
                    held.enter_context(name_lock(config.lock))
                if config.pidfile is not None:
                    held.enter_context(pidfile(config.pidfile))
            except Taken as error:
                raise Refusal(f"{error}") from None
            except OSError as error:
                raise Refusal(f"cannot write {error.filename}: {error.strerror}") from error
            if config.metrics_port is not None:
                # Here, and in no child: a port is one process's.
                held.enter_context(self._serve(plans[0], config.metrics_port))
            supervised = config.mode == "process" or len(plans) > 1 or self._reload
            run = self._supervise if supervised else self._run_here
            run(plans)

    def _serve(self, plan: ProcessPlan, port: int) -> AbstractContextManager[str]:
        """Serve metrics as long as the context lasts, and whether what runs here still turns."""
        from pgq.cli.serving import Pulse, served

        pulse = Pulse()
        self._watch = pulse.of
        where: dict[str | None, tuple[str, str]] = {
            each.name: (each.dsn, each.config.schema) for each in self._several
        }
        first = plan.workers[0]
        where = where or {None: (first["dsn"], first["schema"])}
        return served(where, self._config.metrics_host, port, pulse)

    def _plans(self) -> list[ProcessPlan]:
        from pgq.processes.fleet import plan_fleet
        from pgq.processes.plan import plan_processes

        config = self._config
        if self._several:
            return plan_fleet(self._several, drain=self._drain)
        listen_dsn = None if config.listen_dsn is None else find_dsn(config.listen_dsn)
        return plan_processes(config, find_dsn(config.dsn), listen_dsn, drain=self._drain)

    def _replan(self) -> list[ProcessPlan]:
        from pgq.errors import InvalidArgument

        before = self._config, self._several
        try:
            self._config, self._several = self._read()
            return self._plans()
        except click.ClickException as error:
            self._config, self._several = before
            raise InvalidArgument(error.message) from None

    def _supervise(self, plans: list[ProcessPlan]) -> None:
        import asyncio

        from pgq.processes.supervisor import Supervisor

        hooks = None
        try:
            # Every process imports the modules itself; here for their hooks, and to fail early.
            registry = load_tasks(self._config.modules)
            for plan in plans:
                plan.make_workers(registry)
            hooks = registry.hooks
        except WrongCall:
            if not self._reload:
                raise
        supervisor = Supervisor(plans, hooks=hooks, replan=self._replan, reload=self._reload)
        if code := asyncio.run(self._watch(supervisor.run())):
            click.get_current_context().exit(code)

    def _run_here(self, plans: list[ProcessPlan]) -> None:
        from pgq.errors import WorkerStuck
        from pgq.processes import event_loop

        (plan,) = plans
        registry = load_tasks(plan.modules)
        try:
            event_loop.run(self._watch(self._run_crew(plan, registry)))
        except WorkerStuck as stuck:
            _start_anew(stuck.message)

    async def _run_crew(self, plan: ProcessPlan, registry: Registry) -> None:
        from pgq.lib.signals import caught
        from pgq.processes.group import Crew

        crew = Crew(plan.make_workers(registry))
        handlers = {
            "SIGTERM": crew.stop_harder,
            "SIGINT": crew.stop_harder,
            "SIGQUIT": crew.stop_now,
        }
        if self._config.mode == "async":
            known = list(zip(plan.workers, crew.workers, strict=True))
            handlers["SIGHUP"] = lambda: self._change_crew(crew, known, registry)
        with caught(handlers):
            await crew.run()

    def _change_crew(
        self, crew: Crew, known: list[tuple[Mapping[str, Any], Member]], registry: Registry
    ) -> None:
        """Replace the workers whose options have changed; keep all where that fails."""
        from pgq.errors import InvalidArgument
        from pgq.logs import log_event

        try:
            (plan,) = self._replan()
            wanted = list(plan.workers)
            kept: list[tuple[Mapping[str, Any], Member]] = []
            old: list[Member] = []
            for options, there in known:
                if options in wanted:
                    wanted.remove(options)
                    kept.append((options, there))
                else:
                    old.append(there)
            new = replace(plan, workers=tuple(wanted)).make_workers(registry)
        except (InvalidArgument, ValueError) as error:
            log_event(logging.ERROR, "worker.config_refused", error=error)
            return
        known[:] = [*kept, *zip(wanted, new, strict=True)]
        crew.replace(old, new)


def _split(given: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.strip() for each in given for name in each.split(",") if name.strip())


def _missing_module() -> str:
    """Say what to type."""
    said = "Missing argument 'MODULE...'."
    if os.environ.get("DJANGO_SETTINGS_MODULE"):
        said += (
            " In a Django project, `manage.py pgq worker` (or `python -m django pgq worker`) finds "
            "the tasks, and reads DATABASES and OPTIONS."
        )
    return said


def _start_anew(reason: str) -> NoReturn:
    """Replace this process by a new one with the same arguments and the same process id.

    Nothing else ends threads that hang; a supervisor sees no exit.
    """
    from pgq.logs import log_event

    log_event(logging.WARNING, "process.starts_anew", reason=reason)
    logging.shutdown()
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])


def log_to_stderr(level: str, style: str) -> None:
    """Log from a level on, as lines of text or, with the style "json", JSON objects."""
    from pgq.logs import JsonLines, TextLines, log_everything_as_json

    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines() if style == "json" else TextLines())
    logging.basicConfig(level=level.upper(), handlers=[handler])
    if style == "json":
        log_everything_as_json()
