/*
 * The semaphore of a job as it is stored; null: none.
 *
 * Plain SQL without settings, so that it is inlined: enqueue_many asks it once per job.
 */
create or replace function pgq._concurrency_json(
  concurrency_key text,
  concurrency_limit bigint,
  concurrency_duration interval,
  concurrency_weight bigint,
  concurrency_on_conflict text
)
  returns jsonb
  language sql
  stable
as $$
  select case
    when concurrency_key is not null then pg_catalog.jsonb_strip_nulls(
      pg_catalog.jsonb_build_object(
        'key', concurrency_key,
        'limit', coalesce(concurrency_limit, 1),
        'weight', coalesce(concurrency_weight, 1),
        'seconds', extract(epoch from concurrency_duration),
        'discard', case when concurrency_on_conflict = 'discard' then true end
      )
    )
  end
$$;

comment on function pgq._concurrency_json is 'The semaphore of a job as it is stored.';
