/*
 * Let blocked jobs go on for which a parent has ended or a slot is free, about batch_size of them;
 * answer how many moved, and whether it got on, so that there may be more to do at once. Never
 * waits: what another session is changing, or promoting, stays noted.
 *
 * What it ends leaves notes in its turn, which come last: a cascade needs no recursion. Who may
 * stay open for long passes after_id, to work off its own notes only.
 */
create or replace function pgq._work_off_releases(
  batch_size bigint,
  now_at timestamptz,
  after_id bigint default 0,
  out moved bigint,
  out got_on boolean
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_note record;
  v_step record;
  v_last bigint := after_id;
  v_left bigint := batch_size;
  v_stuck text[] := '{}';
begin
  moved := 0;
  got_on := false;
  for _ in 1..batch_size loop
    select id, parent_id, parent_succeeded, concurrency_key, batch_id
    into v_note
    from pgq.releases
    where id > v_last
    order by id
    limit 1
    for update skip locked;
    exit when not found;

    if v_note.parent_id is not null then
      v_step := pgq._release_children(
        v_note.parent_id, v_note.parent_succeeded, v_left, now_at
      );
    elsif v_note.batch_id is not null then
      v_step := pgq._finish_batch(v_note.batch_id, now_at);
    elsif v_note.concurrency_key = any(v_stuck) then
      -- The note that stays says the same; thousands of them would keep everything else waiting.
      select 0::bigint as moved, true as done into v_step;
    else
      v_step := pgq._promote_waiters(v_note.concurrency_key, v_left, now_at);
      if not v_step.done then
        v_stuck := v_stuck || v_note.concurrency_key;
      end if;
    end if;
    if v_step.done then
      delete from pgq.releases
      where id = v_note.id;
    end if;
    moved := moved + v_step.moved;
    got_on := got_on or v_step.done or v_step.moved > 0;
    v_last := v_note.id;
    v_left := v_left - v_step.moved;
    exit when v_left <= 0;
  end loop;
end
$$;

comment on function pgq._work_off_releases is
  'Let blocked jobs go on for which a parent has ended or a slot is free.';
