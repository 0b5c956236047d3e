"""Errors become texts here: short enough to store and to log, and without a failure on the way.

An error may do anything when it is read: raise, exit, answer with 50 MB, or hide its class. So its
attributes are read past its class, everything is cut before it is used, and only some errors of a
chain or a group are shown.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Final

MESSAGE: Final = 4000
TYPE: Final = 200
TRACEBACK: Final = 20_000

_PACKAGE: Final = Path(__file__).parents[1]
# Handlers of the demo and of `contrib` are in this package too. Their frames are kept, but for
# those of contrib.django, which has no handlers and calls those of others.
_CALLERS: Final = (
    *(_PACKAGE, _PACKAGE / "worker", _PACKAGE / "lib"),
    _PACKAGE / "contrib" / "django",
)
_BASE: Final = vars(BaseException)
_MEMBERS: Final = vars(BaseExceptionGroup)["exceptions"]
# How many errors of a chain are shown, outside of groups and inside of them.
_LONGEST_CHAIN: Final = 10
_LONGEST_INSIDE: Final = 3
# How many members of a group, and of all groups together, and how deep.
_WIDEST_GROUP: Final = 10
_MOST_MEMBERS: Final = 30
_DEEPEST: Final = 3
_MEMBER: Final = 1000
# The innermost frames of each, and how much of a line of source.
_FRAMES: Final = 60
_LINE: Final = 300
_MOST_NOTES: Final = 10
_NOTE: Final = 1000
_TOLD_MESSAGE: Final = 1000

_CAUSE: Final = "\nThe above exception was the direct cause of the following exception:\n\n"
_CONTEXT: Final = "\nDuring handling of the above exception, another exception occurred:\n\n"


def cut(text: str, most: int) -> str:
    """Return a text cut to so many characters; if it is cut, it says how many there were."""
    length = str.__len__(text)
    # Even of a subclass, these are plain strings.
    if length <= most:
        return storable(str.__getitem__(text, slice(None)))
    mark = f"... ({length} characters)"
    return storable(str.__getitem__(text, slice(max(0, most - len(mark)))) + mark)


def storable(text: str) -> str:
    """Return the text without NUL and halves of surrogate pairs, which a text column refuses."""
    return text.replace("\0", "\\0").encode(errors="backslashreplace").decode()


def text_of(value: Any, most: int = MESSAGE) -> str:
    """Return str(value), cut; any code may run in __str__."""
    try:
        return cut(str(value), most)
    except BaseException as broken:  # noqa: BLE001 (also sys.exit: it is no wish of a handler's)
        return f"{_name_of(type(value))} cannot be printed: {_name_of(type(broken))}"


def first_line(error: BaseException) -> str:
    """Return the first line of an error's text, which never holds a password."""
    return (text_of(error).splitlines() or [_name_of(type(error))])[0]


def type_of(error: BaseException) -> str:
    """Return the qualified name of an error's class, without `builtins`."""
    return _name_of(type(error))


def traceback_of(error: BaseException, outer: BaseException | None = None) -> str | None:
    """Return the traceback as Python prints it, without this package's frames, or None.

    outer: the error that was being handled when the code was called; it is left out.
    """
    try:
        foreign = {id(each) for each in _contexts(outer)}
        text = "".join(_chain_lines(error, foreign, 0, [_MOST_MEMBERS]))
    except BaseException:  # noqa: BLE001 (a traceback is no reason to fail)
        return None
    # The end says where it happened.
    return storable(text[-TRACEBACK:])


def _name_of(kind: type) -> str:
    """Read a class' name past its metaclass, which may do anything."""
    names = vars(type)
    module, name = names["__module__"].__get__(kind), names["__qualname__"].__get__(kind)
    known = isinstance(module, str) and module != "builtins"
    return cut(f"{module}.{name}" if known else name, TYPE)


def _get(error: BaseException, name: str) -> Any:
    """Read what every error has past its class."""
    return _BASE[name].__get__(error)


def _contexts(error: BaseException | None) -> Iterator[BaseException]:
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = _get(error, "__context__")


def _chain_lines(
    error: BaseException, foreign: set[int], depth: int, left: list[int]
) -> Iterator[str]:
    """Yield the text of an error, after those that led to it; `left` counts the members to show."""
    chain, joints = [error], [""]
    while len(chain) < (_LONGEST_INSIDE if depth else _LONGEST_CHAIN):
        cause, context = _get(chain[-1], "__cause__"), _get(chain[-1], "__context__")
        if cause is None and _get(chain[-1], "__suppress_context__"):
            break
        found = context if cause is None else cause
        if found is None or id(found) in foreign or any(found is each for each in chain):
            break
        chain.append(found)
        joints.append(_CONTEXT if cause is None else _CAUSE)
    for each, joint in zip(reversed(chain), reversed(joints), strict=True):
        yield from _error_lines(each, foreign, depth, left)
        yield joint


def _error_lines(
    error: BaseException, foreign: set[int], depth: int, left: list[int]
) -> Iterator[str]:
    frames = _own_frames(error)
    if frames is not None:
        yield "Traceback (most recent call last):\n"
        yield from _frame_lines(frames)
    yield from _place_of_syntax(error)
    message = text_of(error, _TOLD_MESSAGE)
    yield f"{type_of(error)}: {message}\n" if message else f"{type_of(error)}\n"
    yield from _notes(error)
    if issubclass(type(error), BaseExceptionGroup):
        members = _MEMBERS.__get__(error)
        shown = members[: min(_WIDEST_GROUP, left[0]) if depth < _DEEPEST else 0]
        left[0] -= len(shown)
        for number, member in enumerate(shown, 1):
            yield f"  +---------------- {number} of {len(members)} ----------------\n"
            text = "".join(_chain_lines(member, foreign, depth + 1, left))[-_MEMBER:]
            yield "".join(f"  | {line}\n" for line in text.splitlines())


def _notes(error: BaseException) -> Iterator[str]:
    notes = _get(error, "__dict__").get("__notes__")
    if isinstance(notes, list | tuple):
        for note in notes[:_MOST_NOTES]:
            yield f"{text_of(note, _NOTE)}\n"


def _place_of_syntax(error: BaseException) -> Iterator[str]:
    if issubclass(type(error), SyntaxError):
        file, line, source = (
            vars(SyntaxError)[name].__get__(error) for name in ("filename", "lineno", "text")
        )
        if line is not None:
            yield f'  File "{text_of(file, _LINE)}", line {text_of(line, _LINE)}\n'
        if source is not None:
            yield f"    {text_of(source, _LINE).strip()}\n"


def _frame_lines(frames: TracebackType) -> list[str]:
    nothing = Exception()  # Python's module does not see the error itself
    found = traceback.TracebackException(Exception, nothing, frames, limit=-_FRAMES).stack
    for index, frame in enumerate(found):
        line = frame.line or ""
        if len(line) > _LINE:
            found[index] = traceback.FrameSummary(
                frame.filename, frame.lineno, frame.name, lookup_line=False, line=line[:_LINE]
            )
    return found.format()


def _own_frames(error: BaseException) -> TracebackType | None:
    """Return the error's frames without those of this package that called the handler."""
    frames: TracebackType | None = _get(error, "__traceback__")
    while frames is not None and Path(frames.tb_frame.f_code.co_filename).parent in _CALLERS:
        frames = frames.tb_next
    return frames
