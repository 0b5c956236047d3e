/*
 * Store a pause that claims read. If there is one already, only its end changes.
 */
create or replace function pgq._set_pause(kind text, queue text, name text, duration interval)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_variable
declare
  v_now constant timestamptz := pgq._now();
begin
  insert into pgq.pauses as pause (kind, queue, name, paused_at, paused_until)
  values (kind, queue, name, v_now, pgq._pause_end(v_now, duration))
  on conflict on constraint pauses_pkey do update
  set paused_at = case
        when pause.paused_until <= v_now then v_now
        else pause.paused_at
      end,
      paused_until = excluded.paused_until;
end
$$;

comment on function pgq._set_pause is 'Store a pause that claims read.';
