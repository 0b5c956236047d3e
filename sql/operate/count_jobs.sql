/*
 * How many jobs of a queue are in each of these states (default: all). Blocked jobs are counted by
 * what they wait for. A state without jobs has no row.
 *
 * Ready, failed and expired jobs are found by an index. For each other state it looks at up to
 * max_looked_at jobs of all queues (default 1,000,000), finished ones of any state. exact: these
 * were all, so the number is the right one; else there may be more. depths() costs less.
 */
create or replace function pgq.count_jobs(
  queue text,
  states text[] default null,
  max_looked_at bigint default 1000000
)
  returns table (state text, waits_for text, jobs bigint, exact boolean)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
  set enable_seqscan = off
as $$
#variable_conflict use_column
declare
  c_states constant text[] collate "default" := array[
    'scheduled', 'blocked', 'ready', 'running', 'succeeded', 'failed', 'cancelled', 'expired'
  ];
  v_queue constant text collate "default" := count_jobs.queue;
  v_states constant text[] collate "default" := coalesce(count_jobs.states, c_states);
  v_far constant bigint := coalesce(max_looked_at, 1000000);
begin
  perform pgq._check_count(cardinality(v_states), 'states');
  if not v_states <@ c_states then
    raise exception 'states has an entry that is no state'
      using errcode = 'JQ002',
            hint = format('Pass some of %s.', c_states);
  end if;
  if v_far not between 1 and 100000000 then
    raise exception 'max_looked_at is %', v_far
      using errcode = 'JQ002',
            hint = 'Pass 1 to 100000000.';
  end if;
  return query
  select found.state, found.waits_for, found.jobs, found.looked_at < v_far
  from (
    select * from pgq._count_live(v_queue, v_states, v_far)
    union all
    select * from pgq._count_finished(v_queue, v_states, v_far)
  ) as found
  where found.jobs > 0 or found.looked_at >= v_far;
end
$$;

comment on function pgq.count_jobs is
  'How many jobs of a queue are in each of these states; blocked ones by what they wait for.';
