/*
 * Store where promotion may start, while deleted rows pile up in the tables that it reads because
 * some session holds an old snapshot. Delete the marks when vacuum has caught up. Answers how many
 * marks there are. It reads from the first row on, so it finds rows that appeared before the last
 * mark.
 *
 * A mark is never after the newest row of a second ago, or of a time since which all transactions
 * have ended. So jobs and notes of transactions of usual length are still read in time.
 */
create or replace function pgq._advance_id_marks()
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_marks bigint := 0;
  v_lane text;
  v_table regclass;
begin
  for v_lane, v_table in
    values ('scheduled', 'pgq.scheduled'::regclass), ('blocked', 'pgq.blocked'),
      ('releases', 'pgq.releases')
  loop
    if not pgq._dead_rows_pile_up(v_table) then
      delete from pgq.id_marks as mark where mark.lane = v_lane;
      continue;
    end if;
    insert into pgq.id_marks (lane, first_id, newest_id, made_at)
    select v_lane, least(now_left.oldest, coalesce(before.newest_id + 1, 0)), now_left.newest, v_now
    from pgq._first_left(v_lane, 0, v_now) as now_left
    left join lateral (
      select known.newest_id
      from pgq.id_marks as known
      where known.lane = v_lane
        and (
          known.made_at <= v_now - interval '1 second'
          or known.until_xid <= pg_snapshot_xmin(pg_current_snapshot())
        )
      order by known.id desc
      limit 1
    ) as before on true;
    v_marks := v_marks + 1;
  end loop;
  return v_marks;
end
$$;

comment on function pgq._advance_id_marks is
  'Store where promotion may start while deleted rows pile up in the tables that it reads.';
