/*
 * Check a bulk operation, and return the states of the jobs that it changes: the given ones, or
 * those that its action can change. discard needs states, because it cannot be undone.
 */
create or replace function pgq._check_bulk(operation pgq.bulk_operations, states text[])
  returns text[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_waiting constant text[] := array['scheduled', 'blocked', 'ready'];
  v_allowed constant text[] := case operation.action
    when 'retry' then v_waiting || array['failed', 'cancelled', 'expired']
    when 'cancel' then v_waiting || array['running']
    when 'discard' then v_waiting || array['failed', 'cancelled', 'expired', 'succeeded']
    when 'reprioritise' then v_waiting
    when 'redrive' then v_waiting
    when 'run_now' then array['scheduled']
  end;
  v_states text[];
begin
  if v_allowed is null then
    raise exception 'action is %', pgq._shorten(operation.action)
      using errcode = 'JQ002',
            hint = 'Pass retry, cancel, discard, reprioritise, run_now or redrive.';
  end if;
  v_states := coalesce(states, case
    when operation.action = 'retry' then array['failed']
    when operation.action <> 'discard' then v_allowed
  end, '{}');
  if not v_states <@ v_allowed or cardinality(v_states) = 0 then
    raise exception 'states names a state that % does not change, or none', operation.action
      using errcode = 'JQ002',
            hint = format('Pass some of %s.', v_allowed);
  end if;
  if (operation.action = 'reprioritise') <> (operation.priority is not null)
    or operation.priority not between -2147483648 and 2147483647
  then
    raise exception 'priority is missing, out of range or for another action than reprioritise'
      using errcode = 'JQ002',
            hint = 'Pass a 32-bit integer to reprioritise, and to nothing else.';
  end if;
  if operation.action <> 'retry' and num_nonnulls(operation.run_at, operation.spread) > 0
    or not operation.run_at < timestamptz '9998-01-01 00:00+00'
    or not operation.run_at > '-infinity'
    or not isfinite(operation.spread)
    or not operation.spread between interval '0' and interval '30 days'
  then
    raise exception 'at or spread is out of range or for another action than retry'
      using errcode = 'JQ002',
            hint = 'Pass a time before the year 9998, and a spread of up to 30 days, to retry.';
  end if;
  return v_states;
end
$$;

comment on function pgq._check_bulk is
  'Check a bulk operation, and return the states of the jobs that it changes.';
