"""Lists of jobs as one user may see them, and a column for what stands at a path of theirs.

What is of queues that the user may not see does not shorten a page.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, get_args

from pgq.client.clients import Client
from pgq.contrib.web.filters import keys_of_path
from pgq.contrib.web.lookups import Document, values_at
from pgq.contrib.web.page import Visit
from pgq.contrib.web.redact import LONGEST_FOR_HOOK
from pgq.contrib.web.text import shortened
from pgq.rows import JobPage, ListedJob

DOCUMENTS: Final[tuple[Document, ...]] = get_args(Document)
# How much of a value is shown; a few times more is read, so that its secrets are seen as such.
_SHOWN, _READ = 120, 1000
_LONGEST: Final = 200

# So many looks fill a page, and so many jobs each of them has.
LOOKS: Final = 8
LOOK: Final = 250


def list_reached(visit: Visit, *, page_size: int, **wanted: Any) -> JobPage:
    """Return a page of the jobs that the user may see; wanted: the arguments of list_jobs().

    Jobs of other queues are passed over, look by look. After eight looks it says how far it came.
    """
    queues = visit.access.queues
    if queues is not None and len(queues) == 1 and queues[0][-1:] != "*":
        wanted.setdefault("queue", queues[0])
    if queues is None or wanted.get("queue") is not None:
        page = visit.ask(Client.list_jobs, page_size=page_size, **wanted)
        return page._replace(jobs=[job for job in page.jobs if visit.access.reaches(job.queue)])
    jobs: list[ListedJob] = []
    place = "before_id" if wanted.get("newest_first", True) else "after_id"
    page = JobPage([], None)
    for _ in range(LOOKS):
        page = visit.ask(Client.list_jobs, page_size=LOOK, **wanted)
        jobs += [job for job in page.jobs if visit.access.reaches(job.queue)]
        if len(jobs) > page_size:
            return JobPage(jobs[:page_size], jobs[page_size - 1].id)
        if page.looked_to is None:
            break
        wanted[place] = page.looked_to
    return page._replace(jobs=jobs)


class Column(NamedTuple):
    """A path of a document, as in `args.user.id`; document None: it is none."""

    text: str
    document: Document | None
    path: tuple[str, ...]


def column_of(text: str) -> Column | None:
    """Read a path of an address; None where nothing was asked for."""
    if not text:
        return None
    name, _, rest = text.partition(".")
    document = next((each for each in DOCUMENTS if each == name), None)
    if len(text) > _LONGEST or "\0" in text:
        document = None
    return Column(text[:_LONGEST], document, tuple(keys_of_path(rest)) if rest else ())


def values_of(visit: Visit, jobs: Sequence[ListedJob], column: Column) -> dict[int, str]:
    """Return what stands there in each job, as a page shows it; nothing where there is none.

    A hook sees whole documents, so with one the whole is read.
    """
    if column.document is None or not visit.access.can("see_args"):
        return {}
    redactor = visit.redactor
    path, most = ((), LONGEST_FOR_HOOK // 10) if redactor.has_hook else (column.path, _READ)
    ids = sorted(job.id for job in jobs)
    found = visit.ask(values_at, ids, column.document, path, most)
    tasks = {job.id: job.task for job in jobs}
    shown: dict[int, str] = {}
    for job_id, (value, is_whole) in found.items():
        text = redactor.piece(
            value, column.path, task=tasks[job_id], is_whole=is_whole, most=_SHOWN
        )
        if text:
            shown[job_id] = shortened(text, _SHOWN)
    return shown
