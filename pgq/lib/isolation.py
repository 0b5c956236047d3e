"""Each run of a handler gets context variables of its own, and with them those of decimal."""

from __future__ import annotations

import contextvars
import decimal
from typing import Any, Final

from pgq.lib.owners import Owner, mark

_DECIMALS: Final = "decimal_context"  # the name of the variable in Python's own module


class Surroundings:
    """The context variables at the place where it was made; each run of a handler gets a copy.

    The variable of decimal holds an object that copies would share. So it is left out, and decimal
    makes one for each run that needs it, unless the program has settings of its own.
    """

    def __init__(self) -> None:
        found = decimal.getcontext()
        is_usual = _settings(found) == _settings(decimal.DefaultContext)
        self._decimals = None if is_usual else found.copy()
        self._variables = contextvars.Context()
        for variable, value in contextvars.copy_context().items():
            if variable.name != _DECIMALS:
                self._variables.run(variable.set, value)

    def copy(self, run: Owner) -> contextvars.Context:
        """Return the context for one run."""
        context = self._variables.copy()
        mark(context, run)
        if self._decimals is not None:
            context.run(decimal.setcontext, self._decimals.copy())
        return context


def _settings(context: decimal.Context) -> tuple[Any, ...]:
    """Return the settings that a program may have made, without the traces of its computations."""
    return (
        *(context.prec, context.rounding, context.Emin, context.Emax),
        *(context.capitals, context.clamp, *context.traps.values()),
    )
