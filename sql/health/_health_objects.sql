/*
 * objects
 *   when: invalid indexes, triggers that are off, the default partition or that of today not
 *     attached
 *   do: the statement in the hint
 */
create or replace function pgq._health_objects(now_at timestamptz)
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
    union all
    select format('%s is no partition of the history', part.name),
      format('alter table pgq.job_history attach partition pgq.%I %s;', part.name, part.bounds)
    from (
      values ('job_history_default', 'default'), (
        to_char(now_at at time zone 'UTC', '"job_history_"YYYYMMDD'),
        to_char(now_at at time zone 'UTC', '"for values from (''"YYYY-MM-DD" 00:00:00+00'')"')
          || to_char((now_at + interval '24 hours') at time zone 'UTC',
            '" to (''"YYYY-MM-DD" 00:00:00+00'')"')
      )
    ) as part (name, bounds)
    join pg_class as known
      on known.oid = to_regclass('pgq.' || part.name) and not known.relispartition
    union all
    select 'the history has no partition of today',
      format('select pgq.%I(7, 30);', '_make_history_partitions')
    where to_regclass('pgq.job_history_' || to_char(now_at at time zone 'UTC', 'YYYYMMDD'))
      is null
      and not exists (  -- A partition of somebody else's may hold the day.
        select from pg_inherits as link
        join pg_class as child on child.oid = link.inhrelid
        where link.inhparent = 'pgq.job_history'::regclass
          and child.relname <> 'job_history_default'
          and child.relname !~ '^job_history_[0-9]{8}$'
      )
  )
  select 'objects', pgq._status_above(count(*), 0, 'infinity'), count(*)::double precision,
    case count(*)
      when 0 then 'indexes are valid, triggers are on'
      else pgq._list_briefly(array_agg(what order by what))
    end,
    'As the owner of the schema: ' || (array_agg(cure order by what))[1],
    'An index, a trigger or a partition is not as it was installed.'
  from problems
$$;

comment on function pgq._health_objects is 'Health: whether indexes and triggers are in order.';
