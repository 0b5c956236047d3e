/*
 * The day-of-week field as bits: bit 7 * n + d for the weekday d (0 Sunday to 6) in the n-th seven
 * days of a month, n from 0 to 4; bit 35 + d for the last weekday d of a month.
 */
create or replace function pgq._parse_cron_weekdays(field text)
  returns bigint
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_every_week constant bigint := 270549121;  -- bits 0, 7, 14, 21 and 28
  v_part text;
  v_word text[];
  v_days bigint;
  v_bits bigint := 0;
begin
  if field !~ '[#l]' then
    v_days := pgq._parse_cron_field(field, 'day of week', 0, 7);
    return ((v_days | (v_days >> 7)) & 127) * v_every_week;
  end if;

  foreach v_part in array string_to_array(field, ',') loop
    v_word := regexp_match(v_part, '^([a-z0-9]{1,3})(?:#([0-9]{1,9})|l)$');
    v_days := pgq._parse_cron_field(coalesce(v_word[1], v_part), 'day of week', 0, 7);
    v_days := (v_days | (v_days >> 7)) & 127;
    v_bits := v_bits | case
      when v_word is null then v_days * v_every_week
      when v_word[2] is null then v_days << 35
      when v_word[2]::integer between 1 and 5 then v_days << (7 * (v_word[2]::integer - 1))
      else pgq._raise_cron_error(v_part, 'day of week', 'is out of range')
    end;
  end loop;
  return v_bits;
end
$$;

comment on function pgq._parse_cron_weekdays is
  'The day-of-week field of a cron expression, as bits.';
