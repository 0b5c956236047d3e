/*
 * drift
 *   when: a function, view, table, index, constraint, trigger, default, fillfactor or row of ours
 *     is missing or changed, a rule or a default was added, or a table is unlogged or has no
 *     replica identity: fail; another thing that is not ours: warn
 *   do: `pgq migrate --repair`; drop what is not ours
 * owners
 *   when: something belongs to another role than the rest
 *   do: `pgq migrate --repair`
 * grants
 *   when: a role of ours lost a grant: fail; somebody has another one: warn
 *   do: `pgq migrate --repair`; revoke what was not meant
 *
 * Health: whether the schema, its owners and its grants are as they were installed. If a role of
 * ours is dropped from the server, its grants go too; that is no failure.
 */
create or replace function pgq._health_drift()
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with found as materialized (
    select drift.*,
      case drift.kind when 'grant' then 'grants' when 'owner' then 'owners' else 'drift' end
        as check_name,
      drift.difference <> 'foreign' as is_mended,
      drift.difference <> 'foreign' and (
        drift.kind <> 'grant'
        or to_regrole(split_part(drift.name, ' to ', -1)) is not null
      ) as is_bad
    from (select exists (select from pgq.installed_objects)) as known (anything)
    cross join lateral pgq._drift() as drift
    where known.anything
    union all
    select 'table', 'installed_objects', 'empty', 'it is not known what was installed here', null,
      'drift', true, true
    where not exists (select from pgq.installed_objects)
  )
  select checked.name,
    case
      when bool_or(found.is_bad) then 'fail' when count(found.name) > 0 then 'warn' else 'ok'
    end,
    count(found.name)::double precision,
    case count(found.name)
      when 0 then checked.calm
      else pgq._list_briefly(array_agg(found.words order by not found.is_mended, found.words))
    end,
    case
      when bool_or(found.is_mended) then 'As ' || checked.who || ': pgq migrate --repair'
      when count(found.name) > 0
      then format('If it was not meant, as %s: %s', checked.who,
        (array_agg(found.cure order by found.words))[1])
    end,
    checked.meaning
  from (
    values
      (1, 'drift', 'the owner of the schema', 'the schema is as it was installed',
        'Functions, indexes or constraints are not those of this version; pgq may fail.'),
      (2, 'owners', 'a superuser', 'everything belongs to one role',
        'Functions that run with their owner''s rights have the rights of another role.'),
      (3, 'grants', 'the owner of the schema', 'every role has its rights, and no more',
        'A role lacks a right that clients need, or has more rights than were installed.')
  ) as checked (place, name, who, calm, meaning)
  left join found on found.check_name = checked.name
  group by checked.place, checked.name, checked.who, checked.calm, checked.meaning
  order by checked.place
$$;

comment on function pgq._health_drift is
  'Health: whether the schema, its owners and its grants are as they were installed.';
