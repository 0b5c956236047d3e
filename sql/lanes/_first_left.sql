/*
 * The first row that promotion has to read in one lane, from first_id on, and the newest one that
 * can exist now: see id_marks.
 */
create or replace function pgq._first_left(
  lane text,
  first_id bigint,
  now_at timestamptz,
  out oldest bigint,
  out newest bigint
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
begin
  if lane = 'releases' then
    oldest := (
      select note.id from pgq.releases as note where note.id >= first_id order by note.id limit 1
    );
    newest := (select last_value - (not is_called)::integer from pgq.releases_id_seq);
  elsif lane = 'blocked' then
    oldest := (
      select child.job_id from pgq.blocked as child
      where child.is_new and child.job_id + 0 >= first_id
      order by child.job_id + 0 limit 1
    );
    newest := (select last_value - (not is_called)::integer from pgq.jobs_id_seq);
  else
    oldest := (
      select floor(extract(epoch from waiting.run_at) * 1e6)
      from pgq.scheduled as waiting
      where waiting.run_at >= to_timestamp((first_id - 1) / 1e6)
      order by waiting.run_at limit 1
    );
    newest := floor(extract(epoch from now_at) * 1e6) - 1;
  end if;
end
$$;

comment on function pgq._first_left is
  'The first row that promotion has to read in one lane.';
