/*
 * When fire_due_schedules has something to do next, as far as it is after due_from; null: never. If
 * a due schedule is locked by another session, that session will fire it. Then the answer is in a
 * second, so that the caller does not come back at once again and again.
 */
create or replace function pgq._next_firing(due_from timestamptz, now_at timestamptz)
  returns timestamptz
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_next timestamptz := (
    select next_run_at
    from pgq.schedules
    where paused_at is null
      and next_run_at > due_from
    order by next_run_at
    limit 1
  );
begin
  if v_next is null or v_next > now_at then
    return v_next;
  end if;

  select next_run_at
  into v_next
  from pgq.schedules
  where paused_at is null
    and next_run_at > due_from
    and next_run_at <= now_at
  order by next_run_at
  limit 1
  for update skip locked;
  if found then
    return v_next;
  end if;
  return (
    select least(now_at + interval '1 second', min(next_run_at))
    from pgq.schedules
    where paused_at is null
      and next_run_at > now_at
  );
end
$$;

comment on function pgq._next_firing is 'When fire_due_schedules has something to do next.';
