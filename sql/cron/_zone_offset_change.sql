/*
 * The first second of a span at which a zone's offset differs from that at its beginning; null:
 * none. It is only for spans of up to 50 hours: since 1900 no zone has changed twice within 50
 * hours.
 */
create or replace function pgq._zone_offset_change(
  begins_at timestamptz,
  ends_at timestamptz,
  timezone text
)
  returns timestamptz
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'  -- where each day has 24 hours
as $$
declare
  v_low timestamptz := date_trunc('second', begins_at);
  v_high timestamptz := date_trunc('second', ends_at);
  v_middle timestamptz;
  v_local constant timestamp := v_low at time zone timezone;
  v_start constant timestamptz := v_low;
begin
  if (v_high at time zone timezone) - v_local = v_high - v_start then
    return null;
  end if;
  while v_high - v_low > interval '1 second' loop
    v_middle := date_trunc('second', v_low + (v_high - v_low) / 2);
    if (v_middle at time zone timezone) - v_local = v_middle - v_start then
      v_low := v_middle;
    else
      v_high := v_middle;
    end if;
  end loop;
  return v_high;
end
$$;

comment on function pgq._zone_offset_change is
  'When a zone changes its offset within a span of time.';
