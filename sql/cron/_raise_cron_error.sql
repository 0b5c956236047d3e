/*
 * Refuses a part of a field, and says what the field takes. It has a result type only so that it
 * can be called where an expression needs a value.
 */
create or replace function pgq._raise_cron_error(part text, field_name text, problem text)
  returns bigint
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'cron: "%" in the % field %', pgq._shorten(part), field_name, problem
    using errcode = 'JQ006',
          hint = 'The field takes *, ' || case field_name
            when 'minute' then '0 to 59'
            when 'hour' then '0 to 23'
            when 'day of month' then '1 to 31, L (the last day)'
            when 'month' then '1 to 12, jan to dec'
            else '0 to 7 or sun to sat (0 and 7 are Sunday), fri#2 (the second), friL (the last)'
          end || '; ranges a-b, steps */n, a-b/n or a/n, and lists a,b.';
end
$$;

comment on function pgq._raise_cron_error is 'Refuse a part of a field of a cron expression.';
