"""What Django knows of the models of the admin, which stand over views: no table is made."""

from __future__ import annotations

from typing import Any

from django.db import migrations, models


class Migration(migrations.Migration):
    """Tells Django of the models, so that each gets its permissions."""

    dependencies: tuple[Any, ...] = (("pgq", "0001_initial"),)
    operations = (
        migrations.CreateModel(
            name="Batch",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("description", models.TextField(null=True)),
                ("status", models.TextField(null=True)),
                ("live", models.BigIntegerField(null=True)),
                ("not_succeeded", models.BigIntegerField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
                ("closed_at", models.DateTimeField(null=True)),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "verbose_name_plural": "batches",
                "db_table": '"pgq"."batch_status"',
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="BulkOperation",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("action", models.TextField(null=True)),
                ("jobs", models.BigIntegerField(null=True)),
                ("outcomes", models.JSONField(null=True)),
                ("login", models.TextField(null=True)),
                ("actor", models.TextField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
                ("starts_at", models.DateTimeField(null=True)),
                ("begun_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": '"pgq"."bulk_operations"',
                "permissions": (("stop_bulkoperation", "Can stop bulk operations"),),
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Job",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("state", models.TextField(null=True)),
                ("queue", models.TextField(null=True)),
                ("task", models.TextField(null=True)),
                ("priority", models.BigIntegerField(null=True)),
                ("attempt", models.BigIntegerField(null=True)),
                ("max_attempts", models.BigIntegerField(null=True)),
                ("run_at", models.DateTimeField(null=True)),
                ("created_at", models.DateTimeField(null=True, verbose_name="enqueued at")),
                ("ready_at", models.DateTimeField(null=True)),
                ("claimed_at", models.DateTimeField(null=True, verbose_name="started at")),
                ("finished_at", models.DateTimeField(null=True)),
                ("expires_at", models.DateTimeField(null=True)),
                ("timeout", models.DurationField(null=True)),
                ("worker_id", models.BigIntegerField(null=True, verbose_name="worker")),
                ("unique_key", models.TextField(null=True)),
                ("args", models.JSONField(null=True)),
                ("headers", models.JSONField(null=True)),
                ("progress", models.JSONField(null=True)),
                ("errors", models.JSONField(null=True)),
                ("result", models.JSONField(null=True)),
                ("batch_id", models.BigIntegerField(null=True, verbose_name="batch")),
                ("partition_key", models.TextField(null=True)),
                ("concurrency_key", models.TextField(null=True)),
            ],
            options={
                "db_table": '"pgq"."all_jobs"',
                "permissions": (
                    ("retry_job", "Can run jobs again"),
                    ("run_job", "Can run jobs now"),
                    ("cancel_job", "Can cancel jobs"),
                    ("discard_job", "Can discard jobs"),
                    ("enqueue_job", "Can enqueue fresh copies of jobs"),
                ),
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Queue",
            fields=[
                ("queue", models.TextField(primary_key=True, serialize=False)),
                ("ready", models.BigIntegerField(null=True)),
                ("scheduled", models.BigIntegerField(null=True)),
                ("blocked", models.BigIntegerField(null=True)),
                ("running", models.BigIntegerField(null=True)),
                ("failed_today", models.BigIntegerField(null=True)),
                ("expired_today", models.BigIntegerField(null=True)),
                ("lag", models.DurationField(null=True)),
                ("paused", models.BooleanField(null=True)),
            ],
            options={
                "db_table": '"pgq"."queue_stats"',
                "permissions": (
                    ("pause_queue", "Can pause queues"),
                    ("resume_queue", "Can resume queues"),
                    ("clear_queue", "Can delete the ready jobs of queues"),
                ),
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Schedule",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("timing", models.TextField(null=True)),
                ("timezone", models.TextField(null=True)),
                ("task", models.TextField(null=True)),
                ("queue", models.TextField(null=True)),
                ("paused", models.BooleanField(null=True)),
                ("next_run_at", models.DateTimeField(null=True)),
                ("last_run_at", models.DateTimeField(null=True)),
                ("last_outcome", models.TextField(null=True)),
                ("last_job_id", models.BigIntegerField(null=True, verbose_name="last job")),
                ("late", models.DurationField(null=True)),
                ("catch_up", models.TextField(null=True)),
                ("overlap", models.TextField(null=True)),
                ("source", models.TextField(null=True)),
                ("problem", models.TextField(null=True)),
                ("description", models.TextField(null=True)),
                ("job", models.JSONField(null=True)),
            ],
            options={
                "db_table": '"pgq"."schedule_status"',
                "permissions": (
                    ("run_schedule", "Can run schedules now"),
                    ("pause_schedule", "Can pause schedules"),
                    ("resume_schedule", "Can resume schedules"),
                    ("unschedule_schedule", "Can delete schedules"),
                ),
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Semaphore",
            fields=[
                ("concurrency_key", models.TextField(primary_key=True, serialize=False)),
                ("max_slots", models.BigIntegerField(null=True)),
                ("used_slots", models.BigIntegerField(null=True)),
                ("holders", models.BigIntegerField(null=True)),
                ("waiters", models.BigIntegerField(null=True)),
                ("configured", models.BooleanField(null=True)),
                ("next_expiry_at", models.DateTimeField(null=True)),
            ],
            options={
                "db_table": '"pgq"."semaphore_status"',
                "permissions": (
                    ("release_semaphore", "Can take the slots from those who hold them"),
                ),
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="Worker",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("name", models.TextField(null=True)),
                ("status", models.TextField(null=True)),
                ("running", models.BigIntegerField(null=True)),
                ("concurrency", models.BigIntegerField(null=True)),
                ("queues", models.TextField(null=True)),
                ("silence", models.DurationField(null=True)),
                ("uptime", models.DurationField(null=True)),
                ("host", models.TextField(null=True)),
                ("pid", models.BigIntegerField(null=True, verbose_name="process")),
                ("version", models.TextField(null=True)),
            ],
            options={
                "db_table": '"pgq"."worker_status"',
                "permissions": (
                    ("pause_worker", "Can pause workers"),
                    ("resume_worker", "Can resume workers"),
                    ("stop_worker", "Can stop workers"),
                ),
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
    )
