/*
 * Unblock jobs for which a parent has ended or a slot is free, about batch_size of them; answer how
 * many moved, and whether it handled any note, so that there may be more to do at once. It never
 * waits: the notes of jobs that another session is changing or promoting stay. It takes about 500
 * locks of keys and batches at most, because the server's table of locks is small.
 *
 * If it ends jobs, it writes new notes, which come last: a cascade needs no recursion. A
 * transaction that may stay open for long passes after_id, to handle only its own notes.
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
#variable_conflict use_column
declare
  v_run record;
  v_step record;
  v_last bigint := after_id;
  v_looked bigint := 0;
  v_locks bigint := 0;
  v_stuck text[] := '{}';
  v_keys text[];
  v_kept bigint[];
begin
  moved := 0;
  got_on := false;
  while v_looked < batch_size and moved < batch_size and v_locks < 500 loop
    for v_run in select * from pgq._lock_releases(v_last, least(100, batch_size - v_looked)) loop
      exit when moved >= batch_size or v_locks >= 500;
      v_last := v_run.ids[cardinality(v_run.ids)];
      v_looked := v_looked + cardinality(v_run.ids);
      if v_run.keys is not null then
        v_keys := array(
          select key
          from unnest(v_run.keys) with ordinality as noted (key, place)
          where key <> all(v_stuck)
          group by key
          order by min(place)
        );
        v_step := pgq._promote_waiters(v_keys, batch_size - moved, now_at);
        v_locks := v_locks + v_step.locks;
        -- One note for each is enough; thousands of notes would delay everything else.
        v_kept := array(
          select min(id) from pgq.releases
          where id = any(v_run.ids) and concurrency_key = any(v_step.keys_left)
          group by concurrency_key
        );
        v_stuck := v_stuck || v_step.keys_left;
      elsif v_run.succeeded is not null then
        v_step := pgq._release_children(v_run.succeeded, batch_size - moved, now_at);
        v_kept := array(
          select id from pgq.releases
          where id = any(v_run.ids) and parent_id = any(v_step.parents_left)
        );
      else
        if v_run.failed is not null then
          v_step := pgq._tell_children_of_failure(v_run.failed, batch_size - moved, now_at);
        else
          v_locks := v_locks + 2;
          v_step := pgq._finish_batch(v_run.batch_id, now_at);
        end if;
        v_kept := case when v_step.done then '{}' else v_run.ids end;
      end if;
      moved := moved + v_step.moved;

      delete from pgq.releases
      where id = any(v_run.ids)
        and id <> all(v_kept);
      got_on := got_on or found or v_step.moved > 0;
    end loop;
    exit when not found;
  end loop;
end
$$;

comment on function pgq._work_off_releases is
  'Unblock jobs for which a parent has ended or a slot is free.';
