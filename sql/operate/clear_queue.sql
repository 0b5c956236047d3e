/*
 * Delete the waiting jobs of a queue for good: the ready jobs, best first, then the blocked ones
 * unless include_blocked is false, then the scheduled ones if include_scheduled is true. Running
 * jobs are left alone. Deletes at most max_jobs (default and most: 100,000) and answers how many;
 * if there may be more, a notice says so. To delete blocked or scheduled jobs, it reads all of
 * them.
 *
 * Children of deleted jobs end, unless their on_parent_failure is run. The deleted jobs do not
 * count for their batch: a closed batch without other jobs finishes, and counts as succeeded. It
 * skips jobs that another session is claiming or changing.
 */
create or replace function pgq.clear_queue(
  queue text,
  include_scheduled boolean default false,
  max_jobs bigint default 100000,
  include_blocked boolean default true
)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_most constant bigint := coalesce(clear_queue.max_jobs, 100000);
  v_ids bigint[];
  v_step bigint[];
begin
  if clear_queue.queue is null or v_most not between 0 and 100000 then
    raise exception 'queue is null or max_jobs is not between 0 and 100000'
      using errcode = 'JQ002',
            hint = 'Name one queue; if it holds more jobs, call it again.';
  end if;
  v_ids := array(
    select waiting.job_id
    from pgq.ready as waiting
    where waiting.queue = clear_queue.queue collate "default"
    order by waiting.priority, waiting.ready_xid, waiting.job_id
    limit v_most
    for update skip locked
  );
  delete from pgq.ready where job_id = any(v_ids);

  v_step := array(
    select waiting.job_id
    from pgq.blocked as waiting
    where waiting.queue = clear_queue.queue collate "default"
      and include_blocked is not false
    order by waiting.priority, waiting.job_id
    limit v_most - cardinality(v_ids)
    for update skip locked
  );
  perform pgq._remove_from_blocked(v_step);
  v_ids := v_ids || v_step;

  if clear_queue.include_scheduled then
    v_step := array(
      select waiting.job_id
      from pgq.scheduled as waiting
      where waiting.queue = clear_queue.queue collate "default"
      limit v_most - cardinality(v_ids)
      for update skip locked
    );
    delete from pgq.scheduled where job_id = any(v_step);
    v_ids := v_ids || v_step;
  end if;

  if cardinality(v_ids) = 0 then
    perform pgq._notice_unknown_queue(clear_queue.queue collate "default");
  elsif cardinality(v_ids) = 100000 then
    raise notice 'the first 100000 jobs of queue % are deleted', pgq._shorten(clear_queue.queue)
      using hint = 'Call it again until it returns less than that.';
  end if;
  perform pgq._note_ended(v_ids, false, pgq._delete_jobs(v_ids));
  perform pgq._audit_call(
    'clear_queue', clear_queue.queue, ids => v_ids, affected => cardinality(v_ids),
    options => jsonb_build_object(
      'max_jobs', max_jobs, 'include_scheduled', include_scheduled,
      'include_blocked', include_blocked
    )
  );
  return cardinality(v_ids);
end
$$;

comment on function pgq.clear_queue is
  'Delete the ready and blocked jobs of a queue (and scheduled ones on request); answers how many.';
