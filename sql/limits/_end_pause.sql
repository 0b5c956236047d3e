/*
 * Delete a pause that claims read; answer whether there was one.
 */
create or replace function pgq._end_pause(kind text, queue text, name text)
  returns boolean
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  delete from pgq.pauses as pause
  where pause.kind = _end_pause.kind
    and pause.queue = _end_pause.queue
    and pause.name = _end_pause.name;
  return found;
end
$$;

comment on function pgq._end_pause is 'Delete a pause that claims read.';
