/*
 * THE search for jobs. It finds up to most jobs that fit, between two ids (without them), the
 * newest or the oldest first. It looks at up to max_looked_at jobs; null means as many as needed.
 * For finished jobs it returns when they ended.
 *
 * looked_to says where to go on: after the last job of a full page, or after the last job that was
 * looked at. If it is null, there is nothing more.
 *
 * It looks further in growing steps, because the first rows usually fill a page; also through the
 * jobs that an index led to, since each is read by its id. It uses the indexes of unique keys,
 * batches, errors, and queues of ready or failed jobs only if they lead to few jobs: a planner that
 * may choose an index by its statistics may choose one that leads to a million.
 *
 * One snapshot sees everything, so a job that moves from lane to lane meanwhile is found once.
 */
create or replace function pgq._look_for_jobs(
  wanted pgq.job_filters,
  low bigint,
  high bigint,
  newest_first boolean,
  most bigint,
  max_looked_at bigint,
  out ids bigint[],
  out finished_at timestamptz[],
  out looked_to bigint,
  out looked_at bigint
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_few constant bigint := least(max_looked_at, 20000);
  v_live constant boolean := wanted.states && array['scheduled', 'blocked', 'ready', 'running'];
  v_past constant boolean := wanted.states && array['succeeded', 'failed', 'cancelled', 'expired'];
  v_few_live constant bigint[] := case when v_live then pgq._few_live_ids(wanted, v_few) end;
  v_few_past constant boolean := v_past and pgq._few_finished_jobs(wanted, v_few);
  v_places constant text[] := case
    when v_few_live is null then wanted.states else '{}'
  end || case when v_past and not v_few_past then array['history'] end;
  -- Take whole days, so that every job of their partitions counts as looked at.
  v_since constant timestamptz := coalesce(
    date_trunc('day', wanted.finished_after, 'UTC'), '-infinity');
  v_until constant timestamptz := case
    when wanted.finished_before < timestamptz '9999-01-01 00:00:00+00'
    then date_trunc('day', wanted.finished_before, 'UTC') + interval '24 hours'
    else 'infinity'
  end;
  v_edge bigint;
  v_step bigint := greatest(2 * most, 200);
  v_found record;
begin
  low := coalesce(low, -9223372036854775808);
  high := coalesce(high, 9223372036854775807);
  ids := '{}';
  finished_at := '{}';
  looked_at := 0;
  loop
    select * into v_found
    from pgq._look_far(
      v_places, v_since, v_until, 'succeeded' = any(wanted.states), low, high, newest_first,
      least(v_step, max_looked_at - looked_at)
    );
    looked_at := looked_at + v_found.looked_at;
    looked_to := v_found.looked_to;
    v_edge := pgq._few_ids_edge(v_few_live, low, high, newest_first, v_step);
    looked_to := case
      when newest_first then greatest(looked_to, v_edge) else least(looked_to, v_edge)
    end;
    select array_agg(found.id) as ids, array_agg(found.finished_at) as finished_at
    into v_found
    from pgq._find_jobs_between(
      wanted, case when newest_first then coalesce(looked_to - 1, low) else low end,
      case when newest_first then high else coalesce(looked_to + 1, high) end, newest_first,
      most - cardinality(ids), v_live, v_past, v_few_live, v_few_past
    ) as found;
    ids := ids || v_found.ids;
    finished_at := finished_at || v_found.finished_at;
    if cardinality(ids) = most then
      looked_to := ids[most];
    end if;
    exit when looked_to is null or cardinality(ids) = most or looked_at >= max_looked_at;
    low := case when newest_first then low else looked_to end;
    high := case when newest_first then looked_to else high end;
    v_step := least(4 * v_step, 100000);
  end loop;
end
$$;

comment on function pgq._look_for_jobs is
  'Find up to most jobs that fit between two ids, among up to max_looked_at jobs.';
