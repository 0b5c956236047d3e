/*
 * The five fields of a cron expression, in lower case; macros such as @daily written out.
 *
 * Six fields mean different things to different programs, so they are refused.
 */
create or replace function pgq._cron_fields(expression text)
  returns text[]
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_text constant text := btrim(lower(left(expression, 1001) collate "C"), E' \t\r\n');
  v_fields text[];
begin
  if length(expression) > 1000 then
    raise exception 'cron: the expression has % characters', length(expression)
      using errcode = 'JQ006',
            hint = 'At most 1000 are read; write ranges and steps rather than long lists.';
  end if;
  v_fields := regexp_split_to_array(
    case v_text
      when '@yearly' then '0 0 1 1 *'
      when '@annually' then '0 0 1 1 *'
      when '@monthly' then '0 0 1 * *'
      when '@weekly' then '0 0 * * 0'
      when '@daily' then '0 0 * * *'
      when '@midnight' then '0 0 * * *'
      when '@hourly' then '0 * * * *'
      else v_text
    end,
    E'[ \t\r\n]+'
  );
  if expression is null or left(v_text, 1) = '@' and cardinality(v_fields) <> 5 then
    raise exception 'cron: the expression is %', pgq._shorten(expression)
      using errcode = 'JQ006',
            hint = 'Write five fields, or one of @hourly, @daily, @weekly, @monthly, @yearly.';
  end if;
  if cardinality(v_fields) <> 5 or v_text = '' then
    raise exception 'cron: "%" has % fields, not five', pgq._shorten(expression),
      case when v_text = '' then 0 else cardinality(v_fields) end
      using errcode = 'JQ006',
            hint = 'Write minute, hour, day of month, month and day of week, such as '
              '30 2 * * mon-fri; there is no field for seconds.';
  end if;
  return v_fields;
end
$$;

comment on function pgq._cron_fields is
  'The five fields of a cron expression; macros such as @daily written out.';
