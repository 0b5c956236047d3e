/*
 * Check the window of a history, and return how long its steps are: at least a unit, which is a
 * minute, an hour or a day. If step is null, it is as many units as make 120 steps or fewer.
 */
create or replace function pgq._length_of_steps(
  since timestamptz,
  until timestamptz,
  unit text,
  step interval
)
  returns interval
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_unit constant double precision := case unit
    when 'day' then 86400 when 'hour' then 3600 else 60
  end;
  v_length constant double precision := extract(epoch from until - since);
  v_seconds constant double precision := coalesce(
    extract(epoch from step), v_unit * ceil(v_length / v_unit / 120)
  );
begin
  if v_length is null or v_length <= 0 or v_seconds < 60 or v_length / v_seconds > 10000
    or not isfinite(step)
  then
    raise exception 'since is not before until, or step is under a minute or under a ten thousandth'
      using errcode = 'JQ002',
            hint = 'Pass a time that is past, and a step such as 1 hour.';
  end if;
  -- If more is asked for than is kept, that means all of it.
  return make_interval(secs => least(greatest(v_seconds, v_unit), 10000000));
end
$$;

comment on function pgq._length_of_steps is
  'Check the window of a history, and return how long its steps are.';
