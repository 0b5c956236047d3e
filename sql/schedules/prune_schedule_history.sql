/*
 * Delete the history of ticks that are older than older_than (default: as
 * configure_retention() says), of one schedule or of all (null), oldest first, at most max_runs
 * rows (default and most: 100,000); answer how many. maintain() does this by itself, with the
 * setting. The jobs stay.
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
as $$
#variable_conflict use_column
declare
  v_deleted bigint;
begin
  if not isfinite(older_than) or older_than not between interval '0' and interval '100 years'
    or max_runs not between 0 and 100000
  then
    raise exception 'older_than or max_runs is out of range'
      using errcode = 'JQ002',
            hint = 'Pass 0 up to a hundred years, and 0 up to 100000 runs; call it again for more.';
  end if;
  v_deleted := pgq._prune_schedule_runs(
    schedule_name collate "default", older_than, coalesce(max_runs, 100000)
  );
  perform pgq._audit_call(
    'prune_schedule_history', schedule_name, affected => v_deleted,
    options => jsonb_build_object('older_than', pgq._format_interval(older_than))
  );
  return v_deleted;
end
$$;

comment on function pgq.prune_schedule_history is
  'Delete the history of old ticks; answers how many.';
