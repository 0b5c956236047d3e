/*
 * Delete what became of ticks longer ago than older_than (default: the setting keep_history_for),
 * of one schedule or of all (null), oldest first, at most max_runs rows (default and most:
 * 100,000); answer how many. maintain() does so by itself, by the setting. The jobs stay.
 */
create or replace function pgq.prune_schedule_history(
  schedule_name text default null,
  older_than interval default null,
  max_runs bigint default 100000
)
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_older_than constant interval := coalesce(
    older_than,
    (select keep_history_for from pgq.settings)
  );
  v_before timestamptz;
  v_deleted bigint;
begin
  if not isfinite(v_older_than) or v_older_than not between interval '0' and interval '100 years'
    or max_runs not between 0 and 100000
  then
    raise exception 'older_than or max_runs is out of range'
      using errcode = 'JQ002',
            hint = 'Pass 0 up to a hundred years, and 0 up to 100000 runs; call it again for more.';
  end if;
  v_before := pgq._add_interval(pgq._now(), -v_older_than);
  delete from pgq.schedule_runs
  where ctid = any(array(
    select run.ctid
    from pgq.schedule_runs as run
    where run.fired_at < v_before
      and (schedule_name is null or run.schedule = schedule_name collate "default")
    order by run.fired_at
    limit coalesce(max_runs, 100000)
    for update skip locked
  ));
  get diagnostics v_deleted = row_count;
  return v_deleted;
end
$$;

comment on function pgq.prune_schedule_history is
  'Delete what became of ticks longer ago; answers how many.';
