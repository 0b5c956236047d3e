/*
 * Handle notes for promote_due. If none could be handled, the notes that an open transaction holds
 * may fill the start. Then it searches once more, from a random place after the first batch_size
 * notes. was_any: there were notes, but others may have locked them.
 */
create or replace function pgq._promote_from_releases(
  batch_size bigint,
  now_at timestamptz,
  out moved bigint,
  out got_on boolean,
  out was_any boolean
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_first constant bigint := (
    select id from pgq.releases where id >= pgq._first_id_to_read('releases', now_at)
    order by id limit 1
  );
  v_behind bigint;
begin
  was_any := v_first is not null;
  if not was_any then
    moved := 0;
    got_on := false;
    return;
  end if;
  select step.moved, step.got_on
  into moved, got_on
  from pgq._work_off_releases(batch_size, now_at, v_first - 1) as step;
  if got_on then
    perform pgq._move_id_mark('releases', v_first, now_at);
    return;
  end if;

  v_behind := (
    select id from pgq.releases where id >= v_first order by id offset batch_size limit 1
  );
  if v_behind is not null then
    select step.moved, step.got_on
    into moved, got_on
    from pgq._work_off_releases(
      batch_size, now_at,
      v_behind - 1 + floor(
        random() * ((select id from pgq.releases order by id desc limit 1) - v_behind + 1)
      )::bigint
    ) as step;
  end if;
end
$$;

comment on function pgq._promote_from_releases is
  'Handle notes for promote_due, also behind those that an open transaction holds.';
