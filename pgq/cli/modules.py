"""Importing the modules that a command names, and finding the tasks in them."""

from __future__ import annotations

import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pgq.cli.failures import WrongCall

if TYPE_CHECKING:
    from pgq.tasks import AnyTask, Registry

_SEE_MORE: Final = "PGQ_DEBUG=1 shows the traceback"


def load_tasks(modules: Sequence[str]) -> Registry:
    """Return the registry of the modules, an empty one for none; WrongCall as `load_registry`."""
    from pgq.tasks import Registry

    return load_registry(tuple(modules)) if modules else Registry()


def load_registry(modules: tuple[str, ...]) -> Registry:
    """Import modules and return the registry of all the tasks that they name.

    WrongCall where a module or a registry in it is not found, where importing raises, or where no
    task is there.
    """
    from pgq import tasks

    _prepare()
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


def provide_settings(modules: Sequence[str]) -> bool:
    """Let modules say what a host program has in its settings, below the file; whether one did.

    Only modules of this package are asked: they stand for a program whose tasks they find.
    WrongCall where its settings are wrong.
    """
    from pgq.config.load import provide

    any_did = False
    for spec in modules:
        name, _, attribute = spec.partition(":")
        if not name.startswith("pgq.contrib."):
            continue
        _prepare()
        said = getattr(_import(name), "settings_of", None)
        if said is None:
            continue
        try:
            provide(*said(attribute))
        except Exception as error:
            raise _import_failure(spec, error) from error
        any_did = True
    return any_did


def _prepare() -> None:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    _set_django_up()


def _set_django_up() -> None:
    """Do what manage.py does before it runs a command, where a project's settings are named.

    Its models cannot be imported otherwise. Its logging may have silenced every logger there was.
    """
    name = os.environ.get("DJANGO_SETTINGS_MODULE")
    if not name or find_spec("django") is None:
        return
    import django
    from django.apps import apps

    from pgq.logs import job_log, worker_log

    if apps.ready:
        return
    try:
        django.setup()
    except Exception as error:
        raise _import_failure(f"DJANGO_SETTINGS_MODULE={name}", error) from error
    for logger in (worker_log, job_log):
        logger.disabled = False


def _merged(registries: list[Registry]) -> Registry:
    from pgq.tasks import Registry

    def resolve(name: str) -> AnyTask | None:
        return next(filter(None, (each.get(name) for each in registries)), None)

    merged = Registry(accept_all=any(each.accept_all for each in registries), resolve=resolve)
    for registry in registries:
        for task in registry:
            merged.add(task)
        for schedule in registry.schedules:
            merged.add_schedule(schedule)
        merged.hooks.extend(registry.hooks)
        merged.middleware.extend(registry.middleware)
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
    notes = [line for note in getattr(error, "__notes__", ()) for line in str(note).splitlines()]
    said = traceback.format_exception_only(error)[-1 - len(notes)].strip()
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({_relative(frames[-1].filename)}, line {frames[-1].lineno})" if frames else ""
    hint = " ".join([*(line.removeprefix("Hint: ") for line in notes), _SEE_MORE])
    return WrongCall(f"importing {name} failed: {said}{place}", hint)


def _relative(path: str) -> str:
    return path.removeprefix(f"{Path.cwd()}{os.sep}")
