"""One run: all checks, or some, of one command."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final, NamedTuple

from pgq.conformance import ends
from pgq.conformance.checks import CHECKS
from pgq.conformance.stand import Broken, Stand, witness

NAMES: Final = [each.name for each in CHECKS]
_SAID: Final = 15  # lines of what the worker wrote
assert ends.__name__  # imported for its checks


class Verdict(NamedTuple):
    """What came of a check; problem: what the worker did instead, None if it keeps its promise.

    said: the last lines that the worker wrote to its output, where there is a problem.
    """

    name: str
    promise: str
    problem: str | None
    said: str
    seconds: float


def run(
    dsn: str,
    schema: str,
    command: Sequence[str],
    names: Iterable[str] = (),
    tell: Callable[[Verdict], None] = lambda _: None,
) -> list[Verdict]:
    """Start the command, and check what it does; `names`: only these checks.

    The schema must be empty of jobs and of other workers. `tell` hears each verdict at once.
    """
    wanted = set(names) or set(NAMES)
    verdicts: list[Verdict] = []
    with tempfile.TemporaryFile("a+b") as log, witness(dsn, schema):
        stand = Stand(dsn, schema, command, log)
        try:
            for name, promise, look in [each for each in CHECKS if each.name in wanted]:
                began, problem = time.monotonic(), None
                log.truncate(0)
                try:
                    look(stand)
                except Broken as error:
                    problem = f"{error}"
                    stand.kill()
                seconds = time.monotonic() - began
                log.seek(0)
                lines = log.read().decode(errors="replace").splitlines()
                said = "\n".join(lines[-_SAID:]) if problem else ""
                verdicts.append(Verdict(name, promise, problem, said, seconds))
                tell(verdicts[-1])
                stand.clean()
        finally:
            stand.kill()
            stand.client.close()
    return verdicts
