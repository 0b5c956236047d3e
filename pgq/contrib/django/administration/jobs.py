"""The jobs: a list with filters, and a page of one with its attempts and why it waits."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any, ClassVar, Final

from django.contrib import messages
from django.contrib.admin import SimpleListFilter, display
from django.utils.html import format_html

from pgq.contrib.django.administration import drawn
from pgq.contrib.django.administration.base import FunctionAdmin
from pgq.contrib.django.administration.changelist import BEFORE, FunctionChangeList, Page
from pgq.contrib.django.administration.reach import BackendFilter, client_for
from pgq.contrib.django.administration.verbs import JOBS, Verb
from pgq.contrib.django.models import BulkOperation, Worker
from pgq.contrib.web.filter_text import of_text
from pgq.contrib.web.filters import STATES, Filters
from pgq.job_rows import JobContent

# The number of jobs that match is exact up to so many. To count one costs eight blocks.
MOST_COUNTED: Final = 1000
MOST_QUEUES: Final = 200


class StateFilter(SimpleListFilter):
    """Chooses a state of jobs."""

    title = parameter_name = "state"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the states."""
        return [(state, state) for state in STATES]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Leave the query as it is: `filters_of` reads the address."""
        return queryset


class QueueFilter(SimpleListFilter):
    """Chooses a queue."""

    title = parameter_name = "queue"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        """Return the queues that there are, and the one that is chosen."""
        names = {*client_for(request).queue_names(MOST_QUEUES)}
        if given := request.GET.get("queue"):
            names.add(given)
        return [(name, name) for name in sorted(names)]

    def queryset(self, request: Any, queryset: Any) -> Any:
        """Leave the query as it is."""
        return queryset


def filters_of(request: Any) -> tuple[Filters, list[str]]:
    """Return what the list is filtered by, and what is wrong with the search box."""
    words = [
        f"{name}:{json.dumps(given, ensure_ascii=False)}"
        for name in ("state", "queue", "task")
        if (given := request.GET.get(name))
    ]
    text = request.GET.get("q", "").strip()
    filters, problems = of_text(" ".join([*words, text]))
    return filters, [f"{each.name}: {each.what}" for each in problems]


class JobAdmin(FunctionAdmin):
    """Jobs of every state."""

    verbs: ClassVar = JOBS
    list_display = (*("id", "state", "task", "queue", "attempts", "enqueued", "when", "error"),)
    list_filter = (StateFilter, QueueFilter, BackendFilter)
    search_fields = ("task",)
    search_help_text = (
        "An id, or filters: state:failed task:send_mail queue:mail since:24h args.user_id:7 key:… "
        "batch:… worker:… type:ValueError"
    )
    fieldsets = (
        (None, {"fields": ("id", "state", "task", "queue", "priority", "attempts", "waits")}),
        ("Times", {"fields": (
            *("enqueued", "due", "ready", "started", "ended", "expires", "timeout"),
        )}),
        ("Carries", {"fields": ("arguments", "outcome", "progress_text", "headers_text")}),
        ("Attempts", {"fields": ("attempts_made",)}),
        ("Ties", {"fields": (
            *("parents", "children", "worker", "batch_id", "unique_key", "concurrency_key"),
            *("partition_key", "schedule"),
        )}),
    )  # fmt: skip

    def page(self, request: Any, changelist: FunctionChangeList) -> Page:
        """Return the newest jobs that match, or those before an id."""
        client = client_for(request)
        if (key := changelist.query.strip()).isdecimal() and len(key) < 19:
            job = client.job(int(key))
            return Page([job] if job else [], 1 if job else 0)
        filters, problems = filters_of(request)
        if problems:
            return Page([], 0, problems=problems)
        now = datetime.now(UTC)
        before = request.GET.get(BEFORE, "")
        given = filters._replace(
            size=self.list_per_page,
            before_id=int(before) if before.isdecimal() and len(before) < 19 else None,
        )
        found = client.list_jobs(**given.of_list(now))
        more = {BEFORE: found.looked_to} if found.looked_to is not None else None
        if len(found.jobs) < self.list_per_page and given.before_id is None:
            # All that there is, or all that is among as many as anybody looks at.
            return Page(found.jobs, len(found.jobs), more is None, more)
        estimate = client.estimate_jobs(**given.of_search(now), max_jobs=MOST_COUNTED)
        return Page(found.jobs, estimate.jobs, estimate.exact, more)

    def row(self, request: Any, key: str) -> Any:
        """Look up a job."""
        return client_for(request).job(int(key))

    def perform_on_all(self, request: Any, verb: Verb) -> None:
        """Begin a bulk operation on the jobs that match."""
        filters, problems = filters_of(request)
        text = request.GET.get("q", "").strip()
        if problems or text.isdecimal():
            self.message_user(request, "; ".join(problems) or "Choose jobs.", messages.ERROR)
            return
        given = filters.of_bulk(datetime.now(UTC))
        started = client_for(request).bulk_start(verb.bulk or "retry", **given)
        about = f"{started.jobs:,}" if started.is_exact else f"more than {started.jobs:,}"
        place = self.page_of(request, BulkOperation, started.id)
        self.message_user(
            request,
            format_html(
                "{}: {} jobs match. It starts in ten seconds; until then, {} undoes it.",
                verb.label,
                about,
                drawn.link(place, "its page"),
            ),
            messages.SUCCESS,
        )

    def get_fieldsets(
        self, request: Any, obj: Any = None
    ) -> list[tuple[str | None, dict[str, Any]]]:
        """Return the fields that have something to show."""
        shown: list[tuple[str | None, dict[str, Any]]] = []
        for head, options in self.fieldsets:
            kept = [name for name in options["fields"] if self._has(obj, name)]
            if kept:
                shown.append((head, {"fields": kept}))
        return shown

    def _has(self, job: Any, name: str) -> bool:
        if name == "waits":
            return job.state in ("scheduled", "blocked", "ready")
        if name == "attempts_made":
            return bool(job.attempt)
        found = getattr(self, name)(job) if hasattr(self, name) else getattr(job, name)
        return found not in (None, "-")

    @display(description="enqueued")
    def enqueued(self, job: Any) -> str:
        """Show when it was enqueued."""
        return drawn.moment(job.created_at)

    @display(description="when")
    def when(self, job: Any) -> str:
        """Show when it ended, or else started, or else may run."""
        for what, at in (("ended", job.finished_at), ("started", job.claimed_at)):
            if at is not None:
                return f"{what} {drawn.moment(at)}"
        return f"due {drawn.moment(job.run_at)}"

    @display(description="due")
    def due(self, job: Any) -> str:
        """Show when it may run, or might have run first."""
        return drawn.moment(job.run_at)

    @display(description="ready")
    def ready(self, job: Any) -> str:
        """Show when it became ready."""
        return drawn.moment(job.ready_at)

    @display(description="started")
    def started(self, job: Any) -> str:
        """Show when its attempt started."""
        return drawn.moment(job.claimed_at)

    @display(description="ended")
    def ended(self, job: Any) -> str:
        """Show when it ended."""
        return drawn.moment(job.finished_at)

    @display(description="expires")
    def expires(self, job: Any) -> str:
        """Show until when it must have started."""
        return drawn.moment(job.expires_at)

    @display(description="attempts")
    def attempts(self, job: Any) -> str:
        """Show how many attempts began, of how many."""
        return f"{job.attempt} of {job.max_attempts}"

    @display(description="error")
    def error(self, job: Any) -> str:
        """Show the last error on one line, without secrets."""
        kind = getattr(job.row, "error_type", None)
        text = getattr(job.row, "error_message", None)
        if job.errors:
            kind, text = job.errors[-1].get("type"), job.errors[-1].get("message", "")
        shown = drawn.message(": ".join(filter(None, (kind, text))))
        return shown[:117] + "…" if len(shown) > 118 else shown

    # The page of a job.

    @display(description="why it waits")
    def waits(self, job: Any) -> Any:
        """Show what stands in its way."""
        found = client_for(job.request).why_waiting(job.pk)
        return drawn.table(("reason", "explanation", "until"), [
            (each.reason, each.explanation, drawn.moment(each.until)) for each in found
        ]) if found else "-"  # fmt: skip

    @display(description="arguments")
    def arguments(self, job: Any) -> Any:
        """Show what it was enqueued with."""
        return self._part(job, "args")

    @display(description="result")
    def outcome(self, job: Any) -> Any:
        """Show what its handler returned."""
        return self._part(job, "result")

    @display(description="progress")
    def progress_text(self, job: Any) -> Any:
        """Show what its handler says of itself."""
        return self._part(job, "progress")

    @display(description="headers")
    def headers_text(self, job: Any) -> Any:
        """Show what travels with it."""
        return self._part(job, "headers")

    @display(description="attempts")
    def attempts_made(self, job: Any) -> Any:
        """Show when each attempt began, where, and how it ended."""
        made = client_for(job.request).job_attempts(job.pk)
        if not made:
            return "-"
        rows = [
            (
                each.attempt,
                each.outcome,
                drawn.moment(each.started_at),
                drawn.moment(each.ended_at),
                each.worker or each.worker_id or "-",
                format_html(
                    "{}<pre class=\"pgq-text\">{}</pre>",
                    drawn.message(": ".join(filter(None, (each.error_type, each.message)))),
                    drawn.message(each.traceback),
                )
                if each.error_type or each.message
                else "",
            )
            for each in made
        ]  # fmt: skip
        return drawn.table(("attempt", "outcome", "started", "ended", "worker", "error"), rows)

    @display(description="parents")
    def parents(self, job: Any) -> Any:
        """Show the jobs that it waits or waited for."""
        return self._jobs(job, "parents")

    @display(description="children")
    def children(self, job: Any) -> Any:
        """Show the jobs that wait or waited for it."""
        return self._jobs(job, "children")

    @display(description="worker")
    def worker(self, job: Any) -> Any:
        """Show who runs it, or ran it last."""
        ties = self._ties(job)
        name = ties.worker if ties else None
        if job.state == "running" and job.worker_id is not None:
            return drawn.link(
                self.page_of(job.request, Worker, job.worker_id), name or job.worker_id
            )
        return name or "-"

    @display(description="schedule")
    def schedule(self, job: Any) -> str:
        """Show the schedule that made it."""
        ties = self._ties(job)
        return (ties.schedule if ties else None) or "-"

    def _jobs(self, job: Any, which: str) -> Any:
        ties = self._ties(job)
        ids: list[int] = (getattr(ties, which) if ties else None) or []
        return drawn.links((self.page_of(job.request, self.model, each), each) for each in ids)

    def _ties(self, job: Any) -> Any:
        if not hasattr(job, "ties"):
            job.ties = client_for(job.request).job_links(job.pk)
        return job.ties

    def _part(self, job: Any, name: str) -> Any:
        if not hasattr(job, "parts"):
            found = client_for(job.request).job_content(job.pk)
            job.parts = {each.part: _content(job, each) for each in found}
        return job.parts.get(name, "-")


def _content(job: Any, part: JobContent) -> Any:
    if part.content is None:
        return f"{part.stored_bytes:,} bytes: too large to show"
    is_whole = part.chars is not None and len(part.content) >= part.chars
    return drawn.document(part.content, task=job.task or "", is_whole=is_whole)
