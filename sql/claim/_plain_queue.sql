/*
 * The queue to claim from in the usual case: the selectors name one queue, or they are * and only
 * one queue has ready jobs; that queue has no pause, limit, turns or mark; no task is paused; and
 * the worker knows the task of its first job. '': no job is ready. Null: it is not the usual case,
 * or may not be.
 *
 * looks: whether to look at the first job of a queue that is named, too; * always does. It decides
 * nothing: the other way of claim_batch takes the same jobs, but asks more.
 */
create or replace function pgq._plain_queue(
  selectors text[],
  tasks text[],
  looks boolean,
  now_at timestamptz
)
  returns text
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_selector constant text := selectors[array_lower(selectors, 1)];
  v_queue text := v_selector;
  v_task text;
  v_expires_at timestamptz;
  v_another text;
begin
  if cardinality(selectors) > 1 then
    return null;
  end if;
  -- A table without a page costs nothing.
  if pg_relation_size('pgq.ready_marks'::regclass) > 0
    or pg_relation_size('pgq.task_marks'::regclass) > 0
  then
    if exists (select from pgq.ready_marks) or exists (select from pgq.task_marks) then
      return null;
    end if;
  end if;

  if v_selector = '*' then
    select first.queue, first.task, first.expires_at, (
      select another.queue from pgq.ready as another where another.queue > first.queue
      order by another.queue limit 1
    )
    into v_queue, v_task, v_expires_at, v_another
    from (
      select ready.queue, ready.task, ready.expires_at
      from pgq.ready
      order by ready.queue, ready.priority, ready.ready_xid, ready.job_id
      limit 1
    ) as first;
  elsif right(v_selector, 1) = '*' then
    return null;
  elsif looks then
    select ready.queue, ready.task, ready.expires_at
    into v_queue, v_task, v_expires_at
    from pgq.ready
    where ready.queue = v_selector
    order by ready.priority, ready.ready_xid, ready.job_id
    limit 1;
  end if;
  if v_queue is null then
    return '';
  elsif v_another is not null or v_expires_at <= now_at or v_task <> all(tasks) then
    return null;
  end if;
  if pg_relation_size('pgq.queues'::regclass) + pg_relation_size('pgq.pauses'::regclass) > 0 then
    if exists (select from pgq.pauses where kind = 'task') or exists (
      select from pgq.queues as configured
      where configured.name = v_queue
        and num_nonnulls(
          configured.paused_at, configured.max_running, configured.rate_limit,
          configured.rate_per_key, configured.fair
        ) > 0
    ) then
      return null;
    end if;
  end if;
  return v_queue;
end
$$;

comment on function pgq._plain_queue is
  'The queue to claim from in the usual case; null: it is not the usual case.';
