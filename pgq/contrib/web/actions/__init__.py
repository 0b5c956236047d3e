"""What can be done from the dashboard: one list, by the name in `POST /do/NAME`.

Each action says which right it needs, what of, what it asks before, and how to undo it; `perform`
checks all that on the server, in the transaction that does it.
"""

from __future__ import annotations

from typing import Final

from pgq.contrib.web.actions import bulk, jobs, keys, queues, schedules, workers
from pgq.contrib.web.actions.action import Action

ACTIONS: Final[dict[str, Action]] = {
    action.name: action
    for module in (jobs, bulk, queues, keys, workers, schedules)
    for action in module.ACTIONS
}
