/*
 * Note where promotion may start among the notes, while deleted ones pile up because some session
 * holds an old snapshot; forget it when vacuum has caught up. Answers whether there is one.
 *
 * Not behind what was the newest note at the mark before this one, a second ago, so that
 * transactions of usual length find their notes worked off in time.
 */
create or replace function pgq._advance_note_mark()
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_newest constant bigint := coalesce(
    (select last_value from pgq.releases_id_seq where is_called), 0
  );
  v_oldest bigint;
begin
  if pg_stat_get_dead_tuples('pgq.releases'::regclass) < 10000 then
    delete from pgq.note_mark;
    return 0;
  end if;
  v_oldest := coalesce((select id from pgq.releases order by id limit 1), v_newest + 1);
  insert into pgq.note_mark as mark (note_id, newest_id, made_at)
  values (0, v_newest, pgq._now())
  on conflict (only_row) do update
  set note_id = least(v_oldest, mark.newest_id + 1),
      newest_id = excluded.newest_id,
      made_at = excluded.made_at;
  return 1;
end
$$;

comment on function pgq._advance_note_mark is
  'Note where promotion may start among the notes while deleted ones pile up.';
