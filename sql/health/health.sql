/*
 * schema
 *   when: `--require-version` asks for more
 *   do: [upgrade](upgrade.md)
 *
 * Say how well the queue system works: a row per check, always all of them. status is ok, warn or
 * fail.
 *
 * value is a count, seconds or per cent, as reason says. If the check is not ok, meaning says what
 * that means, and hint says what to do. It is cheap enough to call every few seconds, however many
 * jobs wait. deep adds checks that cost more, such as verify(), and checks of the server: call it
 * by hand, or once an hour. The lag fails above max_lag (an hour) and warns from a tenth of it. A
 * worker is alive if it sent a heartbeat within its lease, and within max_age. If a check that is
 * not deep may not run, a row named rights says so, in place of the remaining checks. Callers who
 * may not read failed_jobs do not see the reason of a check that may name keys or errors.
 *
 * sampled takes the answers that maintain() has stored in the last ten seconds, for a page that
 * many people look at. They are asked for now if nobody has stored any for 30 seconds, or if
 * max_lag or max_age is given.
 */
\ir _health_workers.sql
\ir _health_queues.sql
\ir _health_backlog.sql
\ir _health_limits.sql
\ir _health_failures.sql
\ir _health_late_work.sql
\ir _health_maintenance.sql
\ir _health_paused.sql
\ir _health_bulk.sql
\ir _health_statistics.sql
\ir _health_history.sql
\ir _health_retention.sql
\ir _health_invariants.sql
\ir _health_versions.sql
\ir _health_snapshots.sql
\ir _health_vacuum.sql
\ir _health_wraparound.sql
\ir _health_objects.sql
\ir _health_drift.sql
\ir _health_locks.sql
\ir _health_clocks.sql
\ir _health_replication_slots.sql
\ir _health_extension.sql
\ir _health_definers.sql
\ir _health_publications.sql
\ir _health_server.sql
\ir _deep_check.sql

create or replace function pgq.health(
  deep boolean default false,
  max_lag interval default null,
  max_age interval default null,
  sampled boolean default false
)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  c_hidden constant text := 'the reason names keys or errors: ask as an observer';
  v_hidden text[];
  v_sample jsonb;
begin
  if least(health.max_lag, health.max_age) <= interval '0'
    or greatest(health.max_lag, health.max_age) > interval '100 years'
  then
    raise exception 'max_lag or max_age is not positive, infinite or over a hundred years'
      using errcode = 'JQ002',
            hint = 'Pass an interval such as 5 minutes, or leave it out.';
  end if;

  if health.sampled and coalesce(health.max_lag, health.max_age) is null then
    v_sample := (
      select checks from pgq.stat_now where at between v_now - interval '30 seconds' and v_now
    );
  end if;
  begin
    v_hidden := pgq._hidden_checks();
    return query
    select found.name, found.status, found.value,
      case when found.name <> all(v_hidden) then found.reason else c_hidden end,
      case when found.name <> all(v_hidden) then found.hint end, found.meaning
    from (
      select * from pgq._health_checks(v_now, health.max_lag, health.max_age)
      where v_sample is null
      union all
      select *
      from jsonb_to_recordset(v_sample) as kept (
        name text, status text, value double precision, reason text, hint text, meaning text
      )
    ) as found;
  exception when insufficient_privilege then
    return query select * from pgq._missing_right(sqlerrm);
  end;

  if health.deep then
    return query
    select done.name, done.status, done.value,
      case when done.name <> all(v_hidden) then done.reason else c_hidden end,
      case when done.name <> all(v_hidden) then done.hint end, done.meaning
    from unnest(array[
      'invariants', 'versions', 'snapshots', 'vacuum', 'wraparound', 'objects', 'drift', 'locks',
      'clocks', 'replication_slots', 'extension', 'definers', 'publications',
      'server'
    ]) with ordinality as todo (check_name, place)
    cross join lateral pgq._deep_check(todo.check_name, v_now, health.max_age) as done
    order by todo.place;
  end if;
end
$$;

comment on function pgq.health is
  'Say how well the queue system works, a row per check: ok, warn or fail, why, and what to do.';
