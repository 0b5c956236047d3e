"""What the admin's page of pgq shows above its list of models: the state of the queues."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from django import template
from django.utils.html import format_html

from pgq.contrib.django.administration import drawn
from pgq.contrib.django.administration.reach import BACKEND, address, chosen, client_for
from pgq.contrib.django.administration.verbs import QUEUES
from pgq.contrib.django.installations import installations
from pgq.contrib.django.models import Job, Queue, Schedule, Semaphore, Worker

register = template.Library()

MOST_ROWS: Final = 20


@register.inclusion_tag("admin/pgq/dashboard.html", takes_context=True)
def pgq_dashboard(context: Any) -> dict[str, Any]:
    """Return what the user may see of the queues, workers, schedules and semaphores."""
    request = context["request"]
    site = request.current_app or "admin"
    return {
        "backends": _backends(request),
        "csrf_token": context.get("csrf_token"),
        **_Dashboard(request, site).parts(),
    }


def _backends(request: Any) -> list[tuple[str, str, bool]]:
    found = [each.backend for each in installations()]
    now = chosen(request).backend
    return [(alias, f"?{BACKEND}={alias}", alias == now) for alias in found]


class _Dashboard:
    def __init__(self, request: Any, site: str) -> None:
        self._request = request
        self._site = site
        self._client = client_for(request)

    def parts(self) -> dict[str, Any]:
        """Return each part that the user may see; one row more than shown says that there are."""
        parts: dict[str, tuple[type, Callable[[], Any]]] = {
            "queues": (Queue, self._queues),
            "workers": (Worker, self._workers),
            "schedules": (Schedule, self._schedules),
            "semaphores": (Semaphore, self._semaphores),
        }
        shown = {name: make() for name, (model, make) in parts.items() if self._sees(model)}
        if "queues" in shown:
            shown["attention"] = [each for each in self._client.health() if each.status != "ok"]
        return {
            **shown,
            **{f"all_{name}": self._to(model, "changelist") for name, (model, _) in parts.items()},
        }

    def _sees(self, model: Any) -> bool:
        return bool(self._request.user.has_perm(f"pgq.view_{model._meta.model_name}"))

    def _to(self, model: type, page: str, *args: Any, **query: Any) -> str:
        return address(self._request, self._site, model, page, *args, **query)

    def _queues(self) -> dict[str, Any]:
        found = self._client.queue_stats()
        rows = [
            {
                "name": drawn.link(self._to(Queue, "change", each.queue), each.queue),
                "counts": [
                    self._count(each.queue, "ready", each.ready),
                    self._count(each.queue, "scheduled", each.scheduled),
                    self._count(each.queue, "blocked", each.blocked),
                    self._count(each.queue, "running", each.running),
                    self._count(each.queue, "failed", each.failed_today, bad=True),
                ],
                "oldest": drawn.length(each.lag),
                "paused": each.paused,
                "verbs": self._verbs(each.queue, paused=each.paused),
            }
            for each in found[:MOST_ROWS]
        ]
        totals = {
            "ready": sum(each.ready for each in found),
            "scheduled": sum(each.scheduled for each in found),
            "blocked": sum(each.blocked for each in found),
            "running": sum(each.running for each in found),
            "failed today": sum(each.failed_today for each in found),
            "queues": len(found),
        }
        return {"rows": rows, "totals": totals, "more": len(found) > MOST_ROWS}

    def _count(self, queue: str, state: str, count: int, *, bad: bool = False) -> Any:
        shown = (
            format_html('<span class="pgq-bad">{}</span>', f"{count:,}") if bad else f"{count:,}"
        )
        if count == 0:
            return "0"
        if not self._sees(Job):
            return shown
        return drawn.link(self._to(Job, "changelist", queue=queue, state=state), shown)

    def _verbs(self, queue: str, *, paused: bool) -> list[tuple[str, str]]:
        user = self._request.user
        return [
            (verb.label, self._to(Queue, "do", queue, verb.name))
            for verb in QUEUES
            if verb.name != ("pause" if paused else "resume")
            and user.has_perm(f"pgq.{verb.name}_queue")
        ]

    def _workers(self) -> dict[str, Any]:
        found = self._client.worker_status(limit=MOST_ROWS + 1)
        rows = [
            (
                drawn.link(self._to(Worker, "change", each.id), each.name),
                each.status,
                f"{each.running} of {each.concurrency}",
                each.queues,
                f"{drawn.length(each.silence)} ago",
            )
            for each in found[:MOST_ROWS]
        ]
        return {"rows": rows, "more": len(found) > MOST_ROWS}

    def _schedules(self) -> dict[str, Any]:
        found = self._client.schedule_status(limit=MOST_ROWS + 1)
        rows = [
            (
                drawn.link(self._to(Schedule, "change", each.name), each.name),
                each.timing,
                "paused" if each.paused else drawn.moment(each.next_run_at),
                drawn.moment(each.last_run_at),
                each.problem or each.last_outcome or "-",
            )
            for each in found[:MOST_ROWS]
        ]
        return {"rows": rows, "more": len(found) > MOST_ROWS}

    def _semaphores(self) -> dict[str, Any]:
        found = self._client.list_semaphores(page_size=MOST_ROWS + 1)
        rows = [
            (
                drawn.link(
                    self._to(Semaphore, "change", each.concurrency_key), each.concurrency_key
                ),
                f"{each.used_slots} of {'-' if each.max_slots is None else each.max_slots}",
                each.waiters,
            )
            for each in found[:MOST_ROWS]
        ]
        return {"rows": rows, "more": len(found) > MOST_ROWS}
