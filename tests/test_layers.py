"""Imports go downwards only, and a module is neither tiny nor long without a reason."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Final

import pytest

from tests.sources import CHECKOUT, offenders, read

PACKAGE: Final = CHECKOUT / "pgq"
MODULES: Final = sorted(PACKAGE.rglob("*.py"))

# From the lowest to the highest. A module imports from its own layer and from those before it; the
# longest name that a module begins with counts.
LAYERS: Final = (
    "errors values version lib logs schema.names",
    "options rows reports job_rows task_rows jobs flows orders retries",
    # Declarations, without any I/O.
    "hooks middleware isolation schedules schedule_files task_args task_keys chunks tasks",
    "calls",
    "client",
    "embedded schema",
    "context meters tracing",
    "worker",
    "config processes",
    "testing contrib demo bench conformance",
    "cli __main__",
)
# Only for annotations: a handler's first argument is a Context, which lends connections; lines of
# the log are about a job; a schedule may be made of a task; the parts of a worker know their whole.
FOR_TYPES: Final = {
    ("logs", "rows"),
    ("middleware", "context"),
    ("schedules", "tasks"),
    ("tasks", "context"),
    ("worker.clock", "worker.worker"),
    ("worker.engine", "worker.worker"),
    ("worker.heartbeat", "worker.engine"),
    ("worker.start", "worker.worker"),
    ("worker.work", "worker.engine"),
}
# The demo prints tables as the command line does, and manage.py is the command line once more.
OTHERS: Final = {("demo.screen", "cli.output"), ("contrib.django.management.commands.pgq", "cli")}
# These are imported by the command line and the plugin of pytest alone, when they are needed.
APART: Final = ("testing", "contrib", "demo", "bench", "conformance")

# Written by client/generate.py, or run in a checkout only.
GENERATED: Final = {
    *("generate", "methods_async"),
    *(path.stem.removesuffix("_async") for path in PACKAGE.glob("client/*_async.py")),
}
# What the thin wrapper may have, in lines of source: 5,960 for what it does, and some ten for each
# public function that came since (docs/decisions/0034-one-source.md), 430 for handlers in child
# processes, and 400 for handlers of many jobs and jobs that wait for new ones.
BUDGET: Final = 8855
SHORTEST, LONGEST = 40, 450
# A page of the dashboard, a migration and a command of Django is a file of its own, however short;
# and modules that have the names of AsyncMQ's.
ONE_EACH: Final = (
    *("contrib/web/pages/", "contrib/django/migrations/", "contrib/django/management/"),
    *("contrib/asyncmq/backends/", "contrib/asyncmq/core/"),
)
# Shorter, and why.
SHORT: Final = {
    "calls/events.py": "the functions for those who follow",
    "bench/bare_worker.py": "a program of its own",
    "calls/publishing.py": "a hook that calls have and tracing fills",
    "calls/timing.py": "a hook that workers have and tracing fills",
    "contrib/dj_queue/exceptions.py": "dj-queue has a module of this name",
    "contrib/asyncmq/exceptions.py": "AsyncMQ has a module of this name",
    "contrib/asyncmq/runners.py": "AsyncMQ has a module of this name",
    "contrib/django/apps.py": "Django looks for it",
    "contrib/django/admin.py": "Django looks for the admin here",
    "contrib/django/routers.py": "DATABASE_ROUTERS names a class, and this is all of it",
    "contrib/django/urls.py": "projects include a module of this name",
    "contrib/http/mount.py": "a2wsgi does nearly all of it",
    "conformance/tasks.py": "jobs find their handlers here",
    "demo/tasks.py": "jobs find their handlers here",
    "lib/backoff.py": "client, worker and processes need it",
    "lib/processes.py": "of the kernel, and of no queue",
    "processes/tied.py": "the demo and the benchmark need it, and no other",
    "orders.py": "THE list of orders to workers",
}


def name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__").removesuffix("__init__")


NAMES: Final = {name_of(path) for path in MODULES}


def layer(module: str) -> int:
    found = [
        (len(name), place)
        for place, names in enumerate(LAYERS)
        for name in names.split()
        if f"{module}.".startswith(f"{name}.")
    ]
    return max(found)[1]


def imported(tree: ast.AST) -> Iterator[str]:
    """Yield the modules of pgq that are imported, also inside functions and for types."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "pgq":
            package = (node.module or "").removeprefix("pgq").removeprefix(".")
            for each in node.names:
                inner = f"{package}.{each.name}".removeprefix(".")
                yield inner if inner in NAMES else package
        elif isinstance(node, ast.Import):
            for each in node.names:
                if each.name.startswith("pgq."):
                    yield each.name.removeprefix("pgq.")


def test_imports_go_downwards() -> None:
    def check(path: Path) -> list[str]:
        module = name_of(path)
        return [
            other
            for other in imported(ast.parse(read(path)))
            # pgq itself is the list of public names.
            if module and other and layer(other) > layer(module)
            and (module, other) not in FOR_TYPES | OTHERS
        ]  # fmt: skip

    assert offenders(MODULES, check) == {}


def test_no_imports_form_a_circle() -> None:
    """Not within a layer either, whether a module is imported at once or in a function."""
    graph = {
        name_of(path): {
            other
            for other in imported(ast.parse(read(path)))
            if other in NAMES - {""} and (name_of(path), other) not in FOR_TYPES
        }
        for path in MODULES
    }
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail(" imports ".join(reversed(error.args[1])))


def test_imports_for_types_alone_are_for_types_alone() -> None:
    for module, other in FOR_TYPES:
        tree = ast.parse(read(PACKAGE / f"{module.replace('.', '/')}.py"))
        only = [node for node in tree.body if not isinstance(node, ast.If)]
        assert other not in {*imported(ast.Module(only, []))}, module


def test_only_the_command_line_imports_what_stands_apart() -> None:
    def check(path: Path) -> list[str]:
        part = name_of(path).partition(".")[0]
        within = {*imported(ast.parse(read(path)))} if part != "cli" else set()
        at_once = {name for node in ast.parse(read(path)).body for name in imported_at(node)}
        return [
            other
            for other in within | at_once
            if other.partition(".")[0] in APART and part not in APART
        ]

    def imported_at(node: ast.stmt) -> Iterator[str]:
        return imported(node) if isinstance(node, ast.Import | ast.ImportFrom) else iter(())

    assert offenders(MODULES, check) == {}


def test_only_the_command_line_needs_click() -> None:
    def check(path: Path) -> bool:
        named = {
            name.partition(".")[0]
            for node in ast.walk(ast.parse(read(path)))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in ([node.module or ""] if isinstance(node, ast.ImportFrom)
                         else [each.name for each in node.names])
        }  # fmt: skip
        # The demo's screen is a part of its command.
        return "click" in named and not name_of(path).startswith(("cli", "demo.screen"))

    assert offenders(MODULES, check) == {}


def test_the_thin_wrapper_stays_thin() -> None:
    """Lines of calls, client and worker, as wc counts them, without what is generated."""
    counted = [
        path
        for part in ("calls", "client", "worker")
        for path in (PACKAGE / part).glob("*.py")
        if (part, path.stem) not in {("client", name) for name in GENERATED}
    ]
    assert sum(read(path).count("\n") for path in counted) <= BUDGET


def test_a_module_has_a_size_to_read() -> None:
    exempt = {"__init__.py", "__main__.py", "version.py"}
    sizes = {
        str(path.relative_to(PACKAGE)): read(path).count("\n")
        for path in MODULES
        if path.name not in exempt
    }
    odd = {
        name
        for name, size in sizes.items()
        if not (0 if name.startswith(ONE_EACH) else SHORTEST) <= size <= LONGEST
    }
    assert odd == {*SHORT}
