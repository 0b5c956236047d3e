/*
 * The statement that removes what somebody added, or repairs a sequence. Names of tables do not
 * contain " on ", but other names may.
 */
create or replace function pgq._cure_of_drift(kind text, name text, difference text)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select case _cure_of_drift.kind
    when 'function' then format('drop routine pgq.%s;', _cure_of_drift.name)
    when 'trigger' then format('drop trigger %s on pgq.%s;', part.of_it, place.name)
    when 'rule' then format('drop rule %s on pgq.%s;', part.of_it, place.name)
    when 'constraint'
    then format('alter table pgq.%s drop constraint %s;', place.name, part.of_it)
    when 'default'
    then format('alter table pgq.%s alter column %s drop default;', place.name, part.of_it)
    when 'persistence' then format('alter table pgq.%s set logged;', place.name)
    when 'identity' then format('alter table pgq.%s replica identity default;', place.name)
    when 'row'
    then format('delete from pgq.%s where quote_ident(step) = %L;', place.name, part.of_it)
    when 'grant'
    then format('revoke %s from %s;', split_part(_cure_of_drift.name, ' to ', 1),
      split_part(_cure_of_drift.name, ' to ', -1))
    when 'sequence'
    then format(
      case _cure_of_drift.difference
        when 'foreign' then 'drop sequence pgq.%s;'
        else 'alter sequence pgq.%s as bigint increment 1 minvalue 1 '
          'maxvalue 9223372036854775807 start 1 cache 1 no cycle;'
      end,
      _cure_of_drift.name
    )
    else format('drop %s pgq.%s;', _cure_of_drift.kind, _cure_of_drift.name)
  end
  from (select split_part(_cure_of_drift.name, ' on ', -1)) as place (name)
  cross join lateral (
    select left(_cure_of_drift.name, - length(' on ' || place.name))
  ) as part (of_it)
$$;

comment on function pgq._cure_of_drift is 'The statement that undoes what health found added.';
