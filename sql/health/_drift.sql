/*
 * What is not as it was installed. difference: missing, changed and owner are for a repair; foreign
 * is what somebody added, a grant of an administrator among it, and stays. cure drops that, or
 * gives the object to the owner of all others.
 */
create or replace function pgq._drift()
  returns table (kind text, name text, difference text, words text, cure text)
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select found.kind, found.name, found.difference,
    concat_ws(' ', found.kind, found.name, case found.difference
      when 'missing' then 'is missing' when 'changed' then 'was changed' else 'is not ours'
    end),
    case
      when found.difference <> 'foreign' then null
      when found.kind = 'function' then format('drop routine pgq.%s;', found.name)
      when found.kind = 'trigger'
      then format('drop trigger %s on pgq.%s;', pair.part[1], pair.part[2])
      when found.kind = 'constraint'
      then format('alter table pgq.%s drop constraint %s;', pair.part[2], pair.part[1])
      when found.kind = 'grant'
      then format('revoke %s from %s;', split_part(found.name, ' to ', 1),
        split_part(found.name, ' to ', -1))
      else format('drop %s pgq.%s;', found.kind, found.name)
    end
  from (
    select coalesce(made.kind, now.kind), coalesce(made.name, now.name),
      case
        when now.name is null then 'missing'
        when made.name is null then 'foreign'
        else 'changed'
      end
    from pgq.installed_objects as made
    full join pgq._fingerprint() as now on now.kind = made.kind and now.name = made.name
    where now.digest is distinct from made.digest
  ) as found (kind, name, difference)
  cross join lateral (select string_to_array(found.name, ' on ')) as pair (part)
  union all
  select 'owner', object, 'owner', format('%s belongs to %s', object, owner), cure
  from pgq._foreign_owned_objects()
$$;

comment on function pgq._drift is 'What is not as it was installed, and what undoes an addition.';
