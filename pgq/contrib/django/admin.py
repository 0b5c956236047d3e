"""What Django's admin shows of pgq; see the package `administration`."""

from __future__ import annotations

from django.contrib import admin

from pgq.contrib.django import models
from pgq.contrib.django.administration import jobs, others

admin.site.register(models.Job, jobs.JobAdmin)
admin.site.register(models.Queue, others.QueueAdmin)
admin.site.register(models.Worker, others.WorkerAdmin)
admin.site.register(models.Schedule, others.ScheduleAdmin)
admin.site.register(models.Semaphore, others.SemaphoreAdmin)
admin.site.register(models.Batch, others.BatchAdmin)
admin.site.register(models.BulkOperation, others.BulkOperationAdmin)
