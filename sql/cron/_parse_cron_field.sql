/*
 * The values that one field of a cron expression allows, as bits: bit n for the value n. The last
 * day of the month, L, is bit 0.
 */
create or replace function pgq._parse_cron_field(
  field text,
  field_name text,
  low integer,
  high integer
)
  returns bigint
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_months constant text[] := '{jan,feb,mar,apr,may,jun,jul,aug,sep,oct,nov,dec}';
  v_weekdays constant text[] := '[0:6]={sun,mon,tue,wed,thu,fri,sat}';
  v_names constant text[] := case high when 12 then v_months when 7 then v_weekdays end;
  v_longest_step constant integer := high - low + (high <> 7)::integer;  -- 0 and 7 are one day
  v_part text;
  v_fits boolean;
  v_word text;
  v_last_word text;
  v_from integer;
  v_to integer;
  v_step integer;
  v_bits bigint := 0;
begin
  foreach v_part in array string_to_array(field, ',') loop
    if v_part = 'l' and high = 31 then
      v_bits := v_bits | 1;
      continue;
    end if;
    v_fits := v_part
      ~ '^(?:[*]|(?:[0-9]{1,9}|[a-z]+)(?:-(?:[0-9]{1,9}|[a-z]+))?)(?:/[0-9]{1,9})?$';
    v_word := split_part(split_part(v_part, '/', 1), '-', 1);
    v_from := case
      when not v_fits then null
      when v_word = '*' then low
      when v_word ~ '^[0-9]' then v_word::integer
      else array_position(v_names, v_word) end;
    v_last_word := split_part(split_part(v_part, '/', 1), '-', 2);
    v_to := case
      when not v_fits then null
      when v_last_word ~ '^[0-9]' then v_last_word::integer
      when v_last_word = 'sun' and high = 7 and v_from > 0 then 7
      when v_last_word <> '' then array_position(v_names, v_last_word)
      when v_word = '*' or v_part like '%/%' then high
      else v_from end;
    v_step := case
      when v_fits then coalesce(nullif(split_part(v_part, '/', 2), '')::integer, 1) end;

    if coalesce(v_from < low or v_from > v_to or v_to > high, true)
      or v_step not between 1 and v_longest_step
    then
      return pgq._raise_cron_error(v_part, field_name, case
        when v_part = '' then 'is empty'
        when v_from is null or v_to is null then 'is not understood'
        when least(v_from, v_to) < low or greatest(v_from, v_to) > high then 'is out of range'
        when v_from > v_to then 'runs backwards'
        else format('has a step that is not between 1 and %s', v_longest_step)
      end);
    end if;
    if v_step = 1 then
      v_bits := v_bits | ((1::bigint << (v_to + 1)) - (1::bigint << v_from));
      v_from := high + 1;
    end if;
    while v_from <= v_to loop
      v_bits := v_bits | (1::bigint << v_from);
      v_from := v_from + v_step;
    end loop;
  end loop;
  return v_bits;
end
$$;

comment on function pgq._parse_cron_field is
  'The values that one field of a cron expression allows, as bits.';
