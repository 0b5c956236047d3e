"""The text of docs/reference-python.md: the names of `import pgq`, from their docstrings.

Which names there are is read from pgq/__init__.pyi. A name of a module that stands in no chapter
here is an error, so that none drops out of the page unnoticed.
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from writing import Unreadable, called, escaped, told

import pgq

PACKAGE = Path(pgq.__file__).parent
CHAPTERS = {
    "Tasks": ["pgq.tasks"],
    "Jobs and schedules": ["pgq.jobs", "pgq.flows", "pgq.schedules"],
    "Clients": [
        *("pgq.client.clients", "pgq.client.clients_async"),
        *("pgq.client.queue", "pgq.client.queue_async"),
    ],
    "Shards": ["pgq.client.shards", "pgq.client.shards_async"],
    "Workers": ["pgq.worker.worker", "pgq.worker.budget"],
    "In a handler": ["pgq.context"],
    "Around handlers": ["pgq.middleware", "pgq.hooks"],
    "Configuration": ["pgq.config.keys", "pgq.config.load"],
    "Errors": ["pgq.errors"],
}
# These are no chapters: a number, and the rows that have one of their own.
APART = {"pgq.version", "pgq"}
ROWS = ("rows", "job_rows", "task_rows", "reports")
# A class with so many methods has a table of them.
MANY = 30
ALIASES = ("values", "options", "rows", "hooks", "middleware")

_INTRODUCTION = """\
# Python

The names of `import pgq`, and what they are. This page is made from their docstrings by `make
docs`; edit those. `pgq.contrib`, `pgq.testing` and `pgq.schema` have pages of their own:
[Django](how-to/django.md), [dashboard](how-to/dashboard.md), [tests](how-to/test-your-tasks.md),
[install](how-to/install.md).

- A duration is a `timedelta`, a number of seconds, or a text such as `"5 minutes"`. A time is an
  aware `datetime`.
- `None` means the default: of the task, then of the schema.
- An error that pgq's functions raise is a subclass of [PgqError](#pgqerror), chosen by its
  SQLSTATE. All other errors of the server and of the connection are psycopg's own.
- A client that was made from a DSN or a pool commits each call. A client that was made from your
  connection does not: the call belongs to your transaction.
"""


def homes() -> dict[str, list[str]]:
    """Return the public names by the module that they come from."""
    found: dict[str, list[str]] = {}
    for line in (PACKAGE / "__init__.pyi").read_text(encoding="utf-8").splitlines():
        if words := re.match(r"from (\S+) import (\w+) as ", line):
            found.setdefault(words[1], []).append(words[2])
    return found


def signature(name: str, item: Any) -> str:
    """Return how it is called."""
    shown = inspect.signature(item)
    arguments: list[str] = []
    kind = inspect.Parameter.POSITIONAL_ONLY
    for each in shown.parameters.values():
        if each.name == "self":
            continue
        if kind is inspect.Parameter.POSITIONAL_ONLY is not each.kind and arguments:
            arguments.append("/")
        if each.kind is inspect.Parameter.KEYWORD_ONLY is not kind and "*" not in str(arguments):
            arguments.append("*")
        kind = each.kind
        arguments.append(_argument(each))
    if kind is inspect.Parameter.POSITIONAL_ONLY and arguments:
        arguments.append("/")
    answer = "" if inspect.isclass(item) else _type(shown.return_annotation)
    return called(name, arguments, answer)


def _argument(each: inspect.Parameter) -> str:
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    text = stars.get(each.kind, "") + each.name
    kind = _type(each.annotation)
    text += f": {kind}" if kind else ""
    if each.default is inspect.Parameter.empty:
        return text
    plain = repr(each.default)
    return text + (" = " if kind else "=") + ("…" if plain.startswith("<") else plain)


def _type(annotation: Any) -> str:
    if annotation is inspect.Parameter.empty:
        return ""
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", "")
    return text.strip("'\"") or str(annotation)


def documented(item: Any, name: str) -> str:
    """Return a docstring."""
    text = inspect.getdoc(item)
    if not text:
        raise Unreadable(f"{name} has no docstring")
    return text


def first_line(text: str) -> str:
    """Return the first sentence or paragraph, in one line."""
    return " ".join(text.partition("\n\n")[0].split())


class Class:
    """A class of the package: its public methods and properties."""

    def __init__(self, name: str, item: type) -> None:
        self.name = name
        self.item = item

    @cached_property
    def members(self) -> dict[str, Any]:
        """Public methods and properties of it and of its own bases, as they stand in the class."""
        found: dict[str, Any] = {}
        for base in reversed(self.item.__mro__):
            if base.__module__.startswith("pgq"):
                found |= {
                    name: each
                    for name, each in vars(base).items()
                    if not name.startswith("_") and _is_member(each)
                }
        return found

    @property
    def attributes(self) -> list[str]:
        """Public attributes that its own __init__ sets."""
        if "__init__" not in vars(self.item) or is_dataclass(self.item):
            return []
        code = ast.parse(textwrap.dedent(inspect.getsource(self.item.__init__)))
        found = [
            node.attr
            for node in ast.walk(code)
            if isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and ast.unparse(node.value) == "self"
            and not node.attr.startswith("_")
        ]
        return list(dict.fromkeys(found))

    def section(self, twin: Class | None) -> Iterator[str]:
        """Yield what is said of it; its twin's members are not told again."""
        yield f"### {self.name}\n"
        if (call := _call_of(self.name, self.item)) is not None:
            yield f"```python\n{call}\n```\n"
        yield from told(documented(self.item, self.name), "python")
        if attributes := ", ".join(f"`{each}`" for each in self.attributes):
            yield f"Attributes: {attributes}.\n"
        if issubclass(self.item, BaseException):
            return
        if twin and twin.members.keys() == self.members.keys():
            yield f"Its methods are those of [{twin.name}](#{twin.name.lower()}), to be awaited.\n"
            return
        yield from self._index()
        for name, each in self.members.items():
            yield from self._member(name, each)

    def _index(self) -> Iterator[str]:
        """Yield a table of many members, in the order of the alphabet."""
        if len(self.members) < MANY:
            return
        yield "| | |"
        yield "|---|---|"
        for name, each in sorted(self.members.items()):
            about = first_line(documented(each, f"{self.name}.{name}"))
            yield f"| [`{name}`](#{self.name.lower()}{name}) | {escaped(about)} |"
        yield ""

    def _member(self, name: str, each: Any) -> Iterator[str]:
        whole = f"{self.name}.{name}"
        yield f"#### {whole}\n"
        if isinstance(each, property):
            kind = _type(inspect.signature(each.fget).return_annotation) if each.fget else ""
            yield f"```python\n{whole}: {kind}\n```\n"
            yield from told(documented(each, whole), "python")
            return
        function = each.__func__ if isinstance(each, classmethod | staticmethod) else each
        yield f"```python\n{signature(whole, function)}\n```\n"
        yield from told(documented(function, whole), "python")


def _is_member(each: Any) -> bool:
    return inspect.isfunction(each) or isinstance(each, property | classmethod | staticmethod)


def _call_of(name: str, item: type) -> str | None:
    """Return how a class is called; None: as its base is."""
    own = any(
        "__init__" in vars(base) for base in item.__mro__ if base.__module__ == item.__module__
    )
    try:
        return signature(name, item) if own else None
    except ValueError:
        return None


def chapter(title: str, modules: list[str], names: dict[str, list[str]]) -> Iterator[str]:
    """Yield the names of some modules."""
    yield f"## {title}\n"
    twins: dict[str, Class] = {}
    for module_name in modules:
        module = import_module(module_name)
        if not module_name.endswith("_async"):
            yield from told(module.__doc__ or "", "python")
        for name in names[module_name]:
            item = getattr(module, name)
            if inspect.isclass(item):
                of_it = Class(name, item)
                yield from of_it.section(twins.get(name.removeprefix("Async")))
                twins[name] = of_it
            else:
                yield from _other(name, item, module)


def _other(name: str, item: Any, module: ModuleType) -> Iterator[str]:
    """Yield what is said of a function, an object or a type."""
    yield f"### {name}\n"
    if inspect.isroutine(item):
        yield f"```python\n{signature(name, item)}\n```\n"
        yield from told(documented(item, name), "python")
        return
    value, text = assignments(Path(module.__file__ or ""))[name]
    yield f"```python\n{name} = {value}\n```\n"
    yield from told(text)


def assignments(path: Path) -> dict[str, tuple[str, str]]:
    """Return what a module gives names to: the value as it stands there, and the text below it."""
    found: dict[str, tuple[str, str]] = {}
    body = ast.parse(path.read_text(encoding="utf-8")).body
    for each, following in zip(body, [*body[1:], None], strict=True):
        match each:
            case ast.Assign(targets=[ast.Name(id=name)], value=value):
                pass
            case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
                pass
            case _:
                continue
        text = ""
        if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
            text = inspect.cleandoc(str(following.value.value))
        found[name] = (ast.unparse(value), text)
    return found


def types() -> Iterator[str]:
    """Yield the types that have names."""
    lines: list[str] = []
    for module in ALIASES:
        for name, (value, text) in assignments(PACKAGE / f"{module}.py").items():
            if name[0].isupper() and not name.isupper() and "TypeVar" not in value:
                about = textwrap.wrap(first_line(text), 88)
                lines += ["", *(f"# {line}" for line in about), f"{name} = {value}"]
    yield "## Types\n"
    yield "\n".join(["```python", *lines[1:], "```", ""])


def rows() -> Iterator[str]:
    """Yield the classes of answers, with their fields."""
    yield "## Rows\n"
    yield "What lookups answer. All are in `pgq.rows`, or in the module beside it that is named.\n"
    for module in ROWS:
        for node in ast.parse((PACKAGE / f"{module}.py").read_text(encoding="utf-8")).body:
            if not isinstance(node, ast.ClassDef) or node.name.startswith("_"):
                continue
            text = ast.get_docstring(node)
            if not text:
                raise Unreadable(f"pgq.{module}.{node.name} has no docstring")
            yield f"### {node.name}\n"
            fields = [ast.unparse(each) for each in node.body if isinstance(each, ast.AnnAssign)]
            if fields:
                yield f"```python\n{called(node.name, fields)}\n```\n"
            yield from told(text)
            if module != "rows":
                yield f"In `pgq.{module}`.\n"


def page() -> str:
    """Return the whole page."""
    names = homes()
    placed = {module for modules in CHAPTERS.values() for module in modules}
    if missing := names.keys() - placed - APART:
        raise Unreadable(f"no chapter of docs/python_reference.py has {', '.join(sorted(missing))}")
    lines = [_INTRODUCTION]
    for title, modules in CHAPTERS.items():
        lines += chapter(title, modules, names)
    lines += [*types(), *rows()]
    return "\n".join(lines).rstrip("\n") + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
