/*
 * What is not as it was installed. difference: a repair mends missing, changed and owner. foreign
 * is what somebody added, also a grant of an administrator; a repair leaves it. added is what
 * nobody may add, because it changes or loses our rows; a repair removes it. cure: a statement that
 * drops what was added, repairs a sequence, or gives the object to the owner of all others.
 */
create or replace function pgq._drift()
  returns table (kind text, name text, difference text, words text, cure text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with now as materialized (select * from pgq._fingerprint()),
  -- Our tables. A default may be of a column that somebody added. Other tables are not ours.
  place as materialized (
    select made.name, made.digest = now.digest as is_same
    from pgq.installed_objects as made
    join now on now.kind = made.kind and now.name = made.name
    where made.kind in ('table', 'view')
  )
  select found.kind, found.name, found.difference,
    case found.kind
      when 'persistence' then format('table %s is unlogged', split_part(found.name, ' on ', -1))
      when 'identity'
      then format('table %s has no replica identity', split_part(found.name, ' on ', -1))
      else concat_ws(' ', found.kind, found.name, case found.difference
        when 'missing' then 'is missing' when 'changed' then 'was changed' else 'is not ours'
      end)
    end,
    case
      when found.difference in ('foreign', 'added')
        or found.kind = 'sequence' and found.difference = 'changed'
      then pgq._cure_of_drift(found.kind, found.name, found.difference)
    end
  from (
    select coalesce(made.kind, now.kind), coalesce(made.name, now.name),
      case
        when now.name is null then 'missing'
        when made.name is not null then 'changed'
        when now.kind in ('rule', 'persistence', 'identity') then 'added'
        when now.kind = 'default' and place.is_same then 'added'
        else 'foreign'
      end
    from pgq.installed_objects as made
    full join now on now.kind = made.kind and now.name = made.name
    left join place on place.name = split_part(now.name, ' on ', -1)
    where now.digest is distinct from made.digest
      and (
        place.name is not null
        or now.kind in ('rule', 'default', 'persistence', 'identity') is not true
      )
      -- What administrators tune is theirs; only one that we set may not be lost.
      and (made.name is not null or now.kind <> 'parameter')
  ) as found (kind, name, difference)
  union all
  select 'owner', object, 'owner', format('%s belongs to %s', object, owner), cure
  from pgq._foreign_owned_objects()
$$;

comment on function pgq._drift is 'What is not as it was installed, and what undoes an addition.';
