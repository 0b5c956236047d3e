/*
 * Store where the counted claims of a queue begin, while deleted rows pile up because some session
 * holds an old snapshot: see key_marks. claimed: how many jobs were just claimed from it.
 *
 * It does so at random, for about one in sixteen jobs, because nobody can count deleted rows.
 */
create or replace function pgq._mark_running(queue text, claimed bigint)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_settled constant xid8 := pg_snapshot_xmin(pg_current_snapshot());
begin
  if random() * 16 >= claimed or not pgq._dead_rows_pile_up('pgq.running'::regclass) then
    return;
  end if;
  insert into pgq.key_marks (lane, key, first_xid)
  select 'running', _mark_running.queue, least(v_settled, (
    select claim.limited_xid
    from pgq.running as claim
    where claim.queue = _mark_running.queue
      and claim.limited_xid >= pgq._first_xid('running', _mark_running.queue)
    order by claim.limited_xid
    limit 1
  ));
end
$$;

comment on function pgq._mark_running is 'Store where the counted claims of a queue begin.';
