/*
 * Move the mark of promotion forward, if there is one: see id_marks. first_id: where promotion
 * began to read.
 *
 * It does this in half of the calls, which is enough. It does not move the mark while a transaction
 * is open that was open when the last mark was made: its rows may come before the newest one at
 * that time.
 */
create or replace function pgq._move_id_mark(lane text, first_id bigint, now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_before pgq.id_marks;
begin
  if pg_relation_size('pgq.id_marks'::regclass) = 0 or random() < 0.5 then
    return;
  end if;
  select *
  into v_before
  from pgq.id_marks as known
  where known.lane = _move_id_mark.lane
  order by known.id desc
  limit 1;
  if v_before.until_xid <= pg_snapshot_xmin(pg_current_snapshot()) then
    insert into pgq.id_marks (lane, first_id, newest_id, made_at)
    select _move_id_mark.lane, least(now_left.oldest, v_before.newest_id + 1), now_left.newest,
      now_at
    from pgq._first_left(_move_id_mark.lane, _move_id_mark.first_id, now_at) as now_left;
  end if;
end
$$;

comment on function pgq._move_id_mark is 'Move the mark of promotion forward, if there is one.';
