"""What somebody may do in the dashboard, by the permissions that the admin asks for.

A right of the dashboard covers several things, so it takes the permission for each of them. What
the admin cannot do, such as to change a limit, is for superusers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from pgq.contrib.web.access import Access
from pgq.contrib.web.access import rights as known_rights

_SHOWN: Final = ("job", "queue", "worker", "schedule", "semaphore", "batch", "bulkoperation")
_SEES: Final = tuple(f"pgq.view_{name}" for name in _SHOWN)

PERMISSIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "view": _SEES,
    "see_args": ("pgq.view_job",),
    "audit": ("admin.view_logentry",),
    # Who starts a bulk operation in the dashboard may stop it there.
    "retry": ("pgq.retry_job", "pgq.run_job", "pgq.stop_bulkoperation"),
    "cancel": ("pgq.cancel_job", "pgq.stop_bulkoperation"),
    "discard": ("pgq.discard_job", "pgq.clear_queue", "pgq.stop_bulkoperation"),
    "enqueue_again": ("pgq.enqueue_job",),
    "pause": ("pgq.pause_queue", "pgq.resume_queue"),
    "release": ("pgq.release_semaphore",),
    "workers": ("pgq.pause_worker", "pgq.resume_worker", "pgq.stop_worker"),
    "schedules": (
        *("pgq.run_schedule", "pgq.pause_schedule", "pgq.resume_schedule"),
        "pgq.unschedule_schedule",
    ),
}
"""The permissions that a right of the dashboard takes."""

OF_SUPERUSERS: Final = ("enqueue", "limits", "batches", "marks")
"""Rights to what the admin does not do."""


def access_by_permissions(user: Any) -> Access | None:
    """Return what a user of Django's may do; None for one who may not see all that is shown."""
    given: Iterable[str]
    if user.is_superuser:
        given = ("all",)
    elif user.has_perms(PERMISSIONS["view"]):
        given = [right for right, wanted in PERMISSIONS.items() if user.has_perms(wanted)]
    else:
        return None
    return Access(user.get_username(), known_rights(given))
