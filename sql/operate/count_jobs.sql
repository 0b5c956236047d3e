/*
 * How many jobs of a queue are in each of these states (default: all). Blocked jobs are counted by
 * what they wait for. A state without jobs has no row.
 *
 * Ready and failed jobs are counted in an index. For other waiting jobs it reads their lanes, and
 * for other finished jobs the history: leave those states out if the history is long.
 */
create or replace function pgq.count_jobs(queue text, states text[] default null)
  returns table (state text, waits_for text, jobs bigint)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
  set jit = off
as $$
#variable_conflict use_column
declare
  v_states constant text[] := array[
    'scheduled', 'blocked', 'ready', 'running', 'succeeded', 'failed', 'cancelled', 'expired'
  ];
begin
  perform pgq._check_count(cardinality(count_jobs.states collate "default"), 'states');
  if not count_jobs.states collate "default" <@ v_states then
    raise exception 'states has an entry that is no state'
      using errcode = 'JQ002',
            hint = format('Pass some of %s.', v_states);
  end if;
  return query
  select lane.state, lane.waits_for, count(*)
  from (
    select 'scheduled' as state, null as waits_for, waiting.queue from pgq.scheduled as waiting
    union all
    select 'blocked', case when waiting.has_parents then 'parents' else 'semaphore' end,
      waiting.queue
    from pgq.blocked as waiting
    union all
    select 'ready', null, waiting.queue from pgq.ready as waiting
    union all
    select 'running', null, claim.queue from pgq.running as claim
    union all
    select past.state, null, past.queue from pgq.job_history as past
  ) as lane
  where lane.queue = count_jobs.queue collate "default"
    and (count_jobs.states is null or lane.state = any(count_jobs.states collate "default"))
  group by lane.state, lane.waits_for;
end
$$;

comment on function pgq.count_jobs is
  'How many jobs of a queue are in each of these states; blocked ones by what they wait for.';
