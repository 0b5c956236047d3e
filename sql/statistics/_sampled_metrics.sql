/*
 * Return the rows of metrics() about semaphores and health, from the newest sample. If it is older
 * than 30 seconds, they are measured now.
 */
create or replace function pgq._sampled_metrics(now_at timestamptz)
  returns table (family text, labels jsonb, value double precision)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_house record;
begin
  select at, semaphores, semaphore_waiters, checks
  into v_house
  from pgq.stat_now
  where at between now_at - interval '30 seconds' and now_at;
  if not found then
    select now_at as at, semaphores, semaphore_waiters, checks
    into v_house
    from pgq._measure_house();
  end if;
  return query
  values
    ('semaphores', '{}'::jsonb, v_house.semaphores::double precision),
    ('semaphore_waiters', '{}', v_house.semaphore_waiters),
    ('sample_age_seconds', '{}', extract(epoch from now_at - v_house.at))
  union all
  select 'health_check', jsonb_build_object('name', told.name),
    array_position(array['ok', 'warn', 'fail'], told.status) - 1
  from jsonb_to_recordset(v_house.checks) as told (name text, status text);
end
$$;

comment on function pgq._sampled_metrics is
  'Return the rows of metrics() about semaphores and health.';
