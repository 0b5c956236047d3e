/*
 * Note where promotion may start, while deleted rows pile up in the scheduled lane because some
 * session holds an old snapshot; forget it when vacuum has caught up. Answers whether there is one.
 *
 * A second back at least, so that transactions of usual length find their jobs promoted in time.
 */
create or replace function pgq._advance_scheduled_mark()
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := pgq._now();
begin
  if pg_stat_get_dead_tuples('pgq.scheduled'::regclass) < 10000 then
    delete from pgq.scheduled_mark;
    return 0;
  end if;
  insert into pgq.scheduled_mark (run_at, made_at)
  select least(v_now - interval '1 second', (
    select run_at from pgq.scheduled order by run_at limit 1
  )), v_now
  on conflict (only_row) do update
  set run_at = excluded.run_at,
      made_at = excluded.made_at;
  return 1;
end
$$;

comment on function pgq._advance_scheduled_mark is
  'Note where promotion may start while deleted rows pile up in the scheduled lane.';
