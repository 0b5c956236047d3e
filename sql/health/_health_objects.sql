/*
 * objects
 *   when: invalid indexes, triggers that are off
 *   do: the statement in the hint
 */
create or replace function pgq._health_objects()
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with ours as (
    select relation.oid
    from pg_class as relation
    where relation.relkind in ('r', 'p')
      and relation.relnamespace = (
        select jobs.relnamespace from pg_class as jobs where jobs.oid = 'pgq.jobs'::regclass
      )
  ),
  problems as (
    select format('index %s is invalid', index.indexrelid::regclass) as what,
      format('reindex index concurrently %s;', index.indexrelid::regclass) as cure
    from pg_index as index
    join ours on ours.oid = index.indrelid
    where not (index.indisvalid and index.indisready)
    union all
    select format('trigger %I on %s is off', trigger.tgname, ours.oid::regclass),
      format('alter table %s enable trigger %I;', ours.oid::regclass, trigger.tgname)
    from pg_trigger as trigger
    join ours on ours.oid = trigger.tgrelid
    where trigger.tgenabled not in ('O', 'A')
  )
  select 'objects', pgq._status_above(count(*), 0, 'infinity'), count(*)::double precision,
    case count(*)
      when 0 then 'indexes are valid, triggers are on'
      else pgq._list_briefly(array_agg(what order by what))
    end,
    'As the owner of the schema: ' || (array_agg(cure order by what))[1],
    'Something about the tables is not as it was installed.'
  from problems
$$;

comment on function pgq._health_objects is 'Health: whether indexes and triggers are in order.';
