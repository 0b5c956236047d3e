/*
 * The semaphore of a job as it is stored; null: none.
 *
 * Plain SQL without settings, so that it is inlined: enqueue_many asks it once per job.
 */
create or replace function pgq._concurrency_json(given pgq.job_options)
  returns jsonb
  language sql
  stable
as $$
  select case
    when given.concurrency_key is not null then pg_catalog.jsonb_strip_nulls(
      pg_catalog.jsonb_build_object(
        'key', given.concurrency_key,
        'limit', coalesce(given.concurrency_limit, 1),
        'weight', coalesce(given.concurrency_weight, 1),
        'seconds', extract(epoch from given.concurrency_duration),
        'discard', case when given.concurrency_on_conflict = 'discard' then true end,
        'order', given.concurrency_order
      )
    )
  end
$$;

comment on function pgq._concurrency_json is 'The semaphore of a job as it is stored.';
