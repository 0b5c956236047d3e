/*
 * List the metrics in the order in which metrics() returns them. People read them in
 * docs/how-to/metrics.md.
 */
create or replace function pgq._metric_families()
  returns table (family text, type text, help text)
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  values
    ('queue_jobs', 'gauge', 'Jobs in a queue that wait or run, by state.'),
    ('queue_jobs_estimated', 'gauge', 'Whether that number is an estimate (1) or exact (0).'),
    ('queue_paused', 'gauge', 'Whether a queue is paused.'),
    ('queue_latency_seconds', 'gauge', 'How long the oldest ready job has waited.'),
    ('queue_workers', 'gauge', 'Living workers that take jobs from a queue.'),
    ('queue_running_limit', 'gauge', 'How many jobs of a queue may run at a time.'),
    ('queue_tokens', 'gauge', 'How many jobs its rate limit would let start now.'),
    ('failed_jobs', 'gauge', 'Failed jobs in the history, counted up to 10,000.'),
    ('failed_job_oldest_age_seconds', 'gauge', 'How long ago the oldest of them failed.'),
    ('workers', 'gauge', 'Workers, by what they do.'),
    ('worker_slots', 'gauge', 'How many jobs the living workers can run at once.'),
    ('worker_slots_busy', 'gauge', 'How many jobs run.'),
    ('schedules', 'gauge', 'Schedules, by how they are.'),
    ('schedule_late_seconds', 'gauge', 'How long the latest schedule has been due.'),
    ('semaphores', 'gauge', 'Semaphores in use.'),
    ('semaphore_waiters', 'gauge', 'Jobs that wait for a semaphore, up to 10,000.'),
    ('history_retention_seconds', 'gauge', 'How long finished jobs are kept.'),
    ('history_overdue_partitions', 'gauge', 'Days of the history that should be gone.'),
    ('jobs_ended', 'counter', 'Attempts that ended, by outcome; some jobs go on after it.'),
    ('job_wait_seconds', 'histogram', 'How long jobs were ready before they were claimed.'),
    ('job_run_seconds', 'histogram', 'How long attempts ran.'),
    ('schedule_ticks', 'counter', 'Ticks of schedules that were handled, by what became of them.'),
    ('enqueued', 'counter', 'About how many jobs came in; goes back at a restore.'),
    ('health_check', 'gauge', 'What health() says: 0 ok, 1 warn, 2 fail.'),
    ('statistics_lag_seconds', 'gauge', 'How late the counting of what has ended is.'),
    ('sample_age_seconds', 'gauge', 'How old the sampled numbers are.'),
    ('info', 'gauge', 'The version of the schema and of its protocol; always 1.')
$$;

comment on function pgq._metric_families is
  'List the metrics in the order in which metrics() returns them.';
