/*
 * Add jobs, given as a JSON array of objects with the options of enqueue(), all or none.
 *
 * Jobs without a unique_key are inserted by one statement. Those with one follow one by one, in
 * the order of their keys, each settled before the next: two calls with the same keys in any order
 * take their locks in the same order, so they never deadlock. Owners to be changed are locked
 * before, in the order of their ids, as everybody else locks waiting jobs.
 */
create or replace function pgq.enqueue_many(jobs anycompatible)
  returns table (id bigint, created boolean)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_jobs constant jsonb := pgq._to_json(enqueue_many.jobs, 'jobs');
  v_job record;
  v_done record;
  v_ids bigint[];
  v_created boolean[];
begin
  perform pgq._check_jobs(v_jobs);

  v_ids := pgq._insert_jobs(v_jobs, v_now);
  v_created := array_fill(true, array[cardinality(v_ids)]);
  if not jsonb_path_exists(v_jobs, '$[*] ? (@.unique_key != null)') then
    return query
    select * from unnest(v_ids, v_created);
    return;
  end if;

  perform pgq._lock_owners(v_jobs);
  for v_job in
    select job.place, job.on_conflict, stored
    from pgq._job_rows(v_jobs) as job
    cross join lateral pgq._new_job(
      job.task, job.args, job.queue, job.priority, job.run_at, job.delay, job.max_attempts,
      job.backoff, job.timeout, job.expires_in, job.unique_key, job.headers, v_now
    ) as stored
    where job.unique_key is not null
    order by job.unique_key collate "C", job.place
  loop
    select keyed.id, keyed.created
    into v_done
    from pgq._insert_keyed_job(v_job.stored, v_job.on_conflict, v_now) as keyed;
    v_ids[v_job.place] := v_done.id;
    v_created[v_job.place] := v_done.created;
  end loop;

  return query
  select * from unnest(v_ids, v_created);
end
$$;

comment on function pgq.enqueue_many is
  'Add jobs, a JSON array of objects with the options of enqueue(), all or none; answers in order.';
