/*
 * The first minute, from the given one on, that matches a parsed cron expression by calendar and
 * clock alone. Null if no day ever fits: 41 years contain every kind of month, and 29 February on
 * each weekday.
 */
create or replace function pgq._cron_local_time(cron bigint[], from_label timestamp)
  returns timestamp
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_year integer := extract(year from from_label);
  v_month integer := extract(month from from_label);
  v_hour constant integer := extract(hour from from_label);
  v_minute constant integer := extract(minute from from_label);
  v_over integer := extract(day from from_label) - 1;  -- days of the month that are over
  v_first_day date := from_label::date - v_over;
  v_last_year constant integer := v_year + 41;
  v_time bigint;  -- in minutes, of the first day that is left
  v_bits bigint;
begin
  if (cron[2] >> v_hour) & 1 = 1 and cron[1] >> v_minute <> 0 then
    v_bits := cron[1] >> v_minute;
    v_time := v_hour * 60 + v_minute + pgq._lowest_bit(v_bits);
  elsif cron[2] >> (v_hour + 1) <> 0 then
    v_bits := cron[2] >> (v_hour + 1);
    v_time := (v_hour + 1 + pgq._lowest_bit(v_bits)) * 60 + cron[8] % 60;
  else
    v_over := v_over + 1;
    v_time := cron[8];
  end if;

  while v_year <= v_last_year loop
    if (cron[4] >> v_month) & 1 = 1 then
      v_bits := pgq._cron_days(cron, v_first_day) >> v_over;
      if v_bits <> 0 then
        if v_bits & 1 = 0 then
          v_time := cron[8];
        end if;
        return v_first_day + (v_over + pgq._lowest_bit(v_bits)) + v_time * interval '1 minute';
      end if;
    end if;
    v_bits := cron[4] >> (v_month + 1);
    if v_bits <> 0 then
      v_month := v_month + 1 + pgq._lowest_bit(v_bits);
    else
      v_bits := cron[4];
      v_month := pgq._lowest_bit(v_bits);
      v_year := v_year + 1;
    end if;
    v_first_day := make_date(v_year, v_month, 1);
    v_over := 0;
    v_time := cron[8];
  end loop;
  return null;
end
$$;

comment on function pgq._cron_local_time is
  'The first minute that matches a parsed cron expression by calendar and clock alone.';
