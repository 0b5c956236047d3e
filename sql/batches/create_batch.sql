/*
 * Make a batch, and return its id. Add jobs with enqueue(batch_id => ...), while the batch is open
 * or one of its jobs is live. When it is closed and none of its jobs is live, its follow-up jobs
 * are enqueued once: on_finish, and on_success if every job succeeded, else on_failure.
 *
 * Follow-up jobs are JSON objects with the options of enqueue(), except unique_key, depends_on and
 * batch_id, which could make their enqueue fail. Their headers get "batch": {"id", "succeeded"}.
 */
create or replace function pgq.create_batch(
  on_success text default null,
  on_finish text default null,
  on_failure text default null,
  description text default null
)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_id bigint;
begin
  insert into pgq.batches (description, on_success, on_finish, on_failure, created_at)
  values (
    create_batch.description,
    pgq._read_batch_callback(create_batch.on_success collate "default", 'on_success'),
    pgq._read_batch_callback(create_batch.on_finish collate "default", 'on_finish'),
    pgq._read_batch_callback(create_batch.on_failure collate "default", 'on_failure'),
    pgq._now()
  )
  returning id into v_id;
  return v_id;
end
$$;

comment on function pgq.create_batch is 'Make a batch of jobs, with its follow-up jobs.';
