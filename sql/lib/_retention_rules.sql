/*
 * How long finished jobs stay: a row for each kind of all queues, and for each that is set for a
 * queue or a task. What ended on a day before the column before must go. The kind results is there
 * only where it is set. What succeeded and has a row stays for a day at least, because somebody may
 * still need it.
 */
create or replace function pgq._retention_rules()
  returns table (kind text, queue text, task text, keep interval, before date)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  return query
  select each.kind, coalesce(said.queue, ''), coalesce(said.task, ''), each.keep,
    (pgq._now() at time zone 'UTC' - each.keep)::date
  from pgq.retention_settings as said
  cross join lateral (
    values ('succeeded', said.succeeded + case said.succeeded
      when interval '0' then interval '24 hours'
      else interval '0'
    end), ('failed', said.failed), ('cancelled', said.cancelled),
      ('results', said.results)
  ) as each (kind, keep)
  where each.keep is not null;
end
$$;

comment on function pgq._retention_rules is
  'How long finished jobs stay, by kind, queue and task, and of which days they must go.';
