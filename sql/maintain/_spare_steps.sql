/*
 * The steps of the maintenance that an idle worker does in its turn. Workers that run jobs do the
 * maintenance every second. So an idle one leaves a step to them until it is two seconds late.
 *
 * While no lane has a job and no outcome waits to be counted, steps have little to do. Then they
 * come later: by nine times their period, 15 seconds at most. Depths may be 30 seconds old.
 *
 * Two steps never come later: the search for dead workers, if there are others, and counting
 * outcomes while somebody follows them.
 *
 * The steps with the longest periods may wait or take long, and claims would wait for them. They
 * are left to maintain(), as is a bulk operation.
 */
create or replace function pgq._spare_steps(worker_id bigint, is_quiet boolean, now_at timestamptz)
  returns text[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
as $$
begin
  return array(
    select due.step
    from pgq.maintenance as due
    where due.every < interval '1 hour'
      and due.step <> 'bulk'
      and (
        due.due_at > now_at + greatest(due.every, interval '10 seconds')
        or pgq._add_interval(due.due_at, case
          when due.step = 'rescue' and exists (
            select from pgq.workers as other where other.id <> _spare_steps.worker_id
          ) then interval '0'
          when due.step = 'statistics' and (
            select setting.followed_until > now_at from pgq.settings as setting
          ) then interval '0'
          when is_quiet then least(due.every * 9, interval '15 seconds')
          else interval '2 seconds'
        end) <= now_at
      )
  );
end
$$;

comment on function pgq._spare_steps is
  'The steps of the maintenance that an idle worker does in its turn.';
