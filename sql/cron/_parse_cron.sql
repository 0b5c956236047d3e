/*
 * A cron expression as numbers: the bits of minutes, hours, days of the month (bit 0: the last
 * day), months, and weekdays (see _parse_cron_weekdays); 1 when a day that fits either day field
 * will do; 1 when every passing minute counts; the first minute of a day that fits.
 */
create or replace function pgq._parse_cron(expression text)
  returns bigint[]
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_fields text[];
  v_minutes bigint := 1152921504606846975;  -- 60 bits
  v_hours bigint := 16777215;  -- 24
  v_dates bigint := 4294967294;  -- 1 to 31
  v_months bigint := 8190;  -- 1 to 12
  v_weekdays bigint := 34359738367;  -- 35
begin
  if expression ~ E'^[^ \t\r\n@]+(?: [^ \t\r\n]+){4}$' and length(expression) <= 1000 then
    v_fields := string_to_array(lower(expression collate "C"), ' ');
  else
    v_fields := pgq._cron_fields(expression);
  end if;
  if v_fields[1] <> '*' then
    v_minutes := pgq._parse_cron_field(v_fields[1], 'minute', 0, 59);
  end if;
  if v_fields[2] <> '*' then
    v_hours := pgq._parse_cron_field(v_fields[2], 'hour', 0, 23);
  end if;
  if v_fields[3] <> '*' then
    v_dates := pgq._parse_cron_field(v_fields[3], 'day of month', 1, 31);
  end if;
  if v_fields[4] <> '*' then
    v_months := pgq._parse_cron_field(v_fields[4], 'month', 1, 12);
  end if;
  if v_fields[5] <> '*' then
    v_weekdays := pgq._parse_cron_weekdays(v_fields[5]);
  end if;
  return array[
    v_minutes, v_hours, v_dates, v_months, v_weekdays,
    (left(v_fields[3], 1) <> '*' and left(v_fields[5], 1) <> '*')::integer,
    (left(v_fields[1], 1) = '*' or left(v_fields[2], 1) = '*')::integer,
    60 * pgq._lowest_bit(v_hours) + pgq._lowest_bit(v_minutes)
  ];
end
$$;

comment on function pgq._parse_cron is 'A cron expression as numbers.';
