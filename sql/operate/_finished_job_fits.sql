/*
 * Whether a finished job fits a search. It has no settings, so that it is inlined.
 */
create or replace function pgq._finished_job_fits(wanted pgq.job_filters, past pgq.job_history)
  returns boolean
  language sql
  immutable
as $$
  select past.state = any(wanted.states)
    and pgq._job_fits(
      wanted, past.queue, past.task, past.unique_key, past.concurrency, past.partition_key,
      past.batch_id, past.worker_id, past.created_at, past.finished_at, past.errors, past.headers,
      past.args
    )
$$;

comment on function pgq._finished_job_fits is 'Whether a finished job fits a search.';
