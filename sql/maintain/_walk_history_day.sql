/*
 * Read up to most jobs of a day of the history, from where the last call stopped, and delete those
 * that must go; answer how many it has read. Fewer than most: it has come to the end.
 *
 * What another session holds is passed over. Then the walk begins there again, five minutes after
 * it has come to the end.
 */
create or replace function pgq._walk_history_day(
  day date,
  rules text,
  after_id bigint,
  all_states boolean,
  most bigint
)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_seen bigint;
  v_last bigint;
  v_over bigint[];
  v_stale bigint[];
  v_held bigint;
begin
  select count(*), max(id), coalesce(array_agg(id) filter (where is_over), '{}'),
    coalesce(array_agg(id) filter (where result_is_over and not is_over), '{}')
  into v_seen, v_last, v_over, v_stale
  from pgq._finished_jobs_over(day, after_id, all_states, most);
  v_held := (
    select min(wanted.id)
    from (
      select unnest(v_over || v_stale)
      except
      select unnest(
        pgq._forget_finished_jobs(day, v_over) || pgq._forget_results(day, v_stale)
      )
    ) as wanted (id)
  );
  v_held := least(v_held, (
    select walk.held_from
    from pgq.history_walks as walk
    where walk.day = _walk_history_day.day and walk.rules = _walk_history_day.rules
  ));
  insert into pgq.history_walks as walk (day, rules, last_id, held_from, again_at)
  values (
    day, rules, case when v_seen < most then v_held - 1 else v_last end,
    case when v_seen >= most then v_held end,
    case when v_seen < most and v_held is not null then pgq._now() + interval '5 minutes' end
  )
  on conflict on constraint history_walks_pkey do update
  set rules = excluded.rules, last_id = excluded.last_id, held_from = excluded.held_from,
      again_at = excluded.again_at;
  return v_seen;
end
$$;

comment on function pgq._walk_history_day is
  'Read jobs of a day of the history and delete those that must go; answers how many it has read.';
