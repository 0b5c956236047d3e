"""Models over pgq's views, for the admin: what a list shows, and which permissions there are.

Django makes no tables of them. A query reads the view in schema `pgq`, and never writes; what
reads a million rows in pages, and what changes a job, are functions of DjangoClient.
"""

from __future__ import annotations

from typing import Any

from django.db import models


def _text(**options: Any) -> Any:
    return models.TextField(null=True, **options)


def _time(label: str | None = None) -> Any:
    return models.DateTimeField(label, null=True)


def _number(label: str | None = None) -> Any:
    return models.BigIntegerField(label, null=True)


class Job(models.Model):
    """A job of any state, live or finished."""

    id = models.BigIntegerField(primary_key=True)
    state = _text()
    queue = _text()
    task = _text()
    priority = _number()
    attempt = _number()
    max_attempts = _number()
    run_at = _time()
    created_at = _time("enqueued at")
    ready_at = _time()
    claimed_at = _time("started at")
    finished_at = _time()
    expires_at = _time()
    timeout = models.DurationField(null=True)
    worker_id = _number("worker")
    unique_key = _text()
    args = models.JSONField(null=True)
    headers = models.JSONField(null=True)
    progress = models.JSONField(null=True)
    errors = models.JSONField(null=True)
    result = models.JSONField(null=True)
    batch_id = _number("batch")
    partition_key = _text()
    concurrency_key = _text()

    class Meta:
        managed = False
        db_table = '"pgq"."all_jobs"'
        default_permissions = ("view",)
        permissions = (
            ("retry_job", "Can run jobs again"),
            ("run_job", "Can run jobs now"),
            ("cancel_job", "Can cancel jobs"),
            ("discard_job", "Can discard jobs"),
            ("enqueue_job", "Can enqueue fresh copies of jobs"),
        )

    def __str__(self) -> str:
        return f"{self.task or 'job'} {self.pk}"


class Queue(models.Model):
    """A queue in use, or configured."""

    queue = models.TextField(primary_key=True)
    ready = _number()
    scheduled = _number()
    blocked = _number()
    running = _number()
    failed_today = _number()
    expired_today = _number()
    lag = models.DurationField(null=True)
    paused = models.BooleanField(null=True)

    class Meta:
        managed = False
        db_table = '"pgq"."queue_stats"'
        default_permissions = ("view",)
        permissions = (
            ("pause_queue", "Can pause queues"),
            ("resume_queue", "Can resume queues"),
            ("clear_queue", "Can delete the ready jobs of queues"),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Worker(models.Model):
    """A worker that has registered, and what it does."""

    id = models.BigIntegerField(primary_key=True)
    name = _text()
    status = _text()
    running = _number()
    concurrency = _number()
    queues = _text()
    silence = models.DurationField(null=True)
    uptime = models.DurationField(null=True)
    host = _text()
    pid = _number("process")
    version = _text()

    class Meta:
        managed = False
        db_table = '"pgq"."worker_status"'
        default_permissions = ("view",)
        permissions = (
            ("pause_worker", "Can pause workers"),
            ("resume_worker", "Can resume workers"),
            ("stop_worker", "Can stop workers"),
        )

    def __str__(self) -> str:
        return f"{self.name or 'worker'} {self.pk}"


class Schedule(models.Model):
    """A job that recurs."""

    name = models.TextField(primary_key=True)
    timing = _text()
    timezone = _text()
    task = _text()
    queue = _text()
    paused = models.BooleanField(null=True)
    next_run_at = _time()
    last_run_at = _time()
    last_outcome = _text()
    last_job_id = _number("last job")
    late = models.DurationField(null=True)
    catch_up = _text()
    overlap = _text()
    source = _text()
    problem = _text()
    description = _text()
    job = models.JSONField(null=True)

    class Meta:
        managed = False
        db_table = '"pgq"."schedule_status"'
        default_permissions = ("view",)
        permissions = (
            ("run_schedule", "Can run schedules now"),
            ("pause_schedule", "Can pause schedules"),
            ("resume_schedule", "Can resume schedules"),
            ("unschedule_schedule", "Can delete schedules"),
        )

    def __str__(self) -> str:
        return str(self.pk)


class Semaphore(models.Model):
    """A semaphore in use, or configured: how many jobs with its key run at once."""

    concurrency_key = models.TextField(primary_key=True)
    max_slots = _number()
    used_slots = _number()
    holders = _number()
    waiters = _number()
    configured = models.BooleanField(null=True)
    next_expiry_at = _time()

    class Meta:
        managed = False
        db_table = '"pgq"."semaphore_status"'
        default_permissions = ("view",)
        permissions = (("release_semaphore", "Can take the slots from those who hold them"),)

    def __str__(self) -> str:
        return str(self.pk)


class Batch(models.Model):
    """A batch of jobs, what is left of it and how it ended."""

    id = models.BigIntegerField(primary_key=True)
    description = _text()
    status = _text()
    live = _number()
    not_succeeded = _number()
    created_at = _time()
    closed_at = _time()
    finished_at = _time()

    class Meta:
        managed = False
        db_table = '"pgq"."batch_status"'
        default_permissions = ("view",)
        verbose_name_plural = "batches"

    def __str__(self) -> str:
        return f"{self.description or 'batch'} {self.pk}"


class BulkOperation(models.Model):
    """Something that is done to all jobs that match, and how far it is."""

    id = models.BigIntegerField(primary_key=True)
    action = _text()
    jobs = _number()
    outcomes = models.JSONField(null=True)
    login = _text()
    actor = _text()
    created_at = _time()
    starts_at = _time()
    begun_at = _time()

    class Meta:
        managed = False
        db_table = '"pgq"."bulk_operations"'
        default_permissions = ("view",)
        permissions = (("stop_bulkoperation", "Can stop bulk operations"),)

    def __str__(self) -> str:
        return f"{self.action or 'operation'} {self.pk}"
