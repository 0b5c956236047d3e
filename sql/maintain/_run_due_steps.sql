/*
 * What maintain() does; of these steps only, where they are given.
 */
create or replace function pgq._run_due_steps(wanted text[] default null)
  returns table (step text, affected bigint)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_most bigint;
  v_now constant timestamptz := pgq._now();
  v_may_wait boolean := true;
  v_error text;
begin
  for step, v_most in
    select due.step, due.most
    from pgq.maintenance as due
    where (
        due.due_at <= v_now
        or due.due_at > v_now + greatest(due.every, interval '10 seconds')
      )
      and (wanted is null or due.step = any(wanted))
    order by due.place
    for update skip locked
  loop
    v_error := null;
    begin
      affected := pgq._do_step(step, v_most, v_may_wait);
    exception
      when others then
        affected := case when sqlstate = '55P03' then 0 end;  -- a reader was in the way
        v_error := format('%s: %s', sqlstate, left(sqlerrm, 1000));
    end;
    update pgq.maintenance as done
    set due_at = pgq._add_interval(v_now, case
          when v_error is not null then interval '10 seconds'
          when affected >= v_most then interval '0'
          when done.step = 'statistics' and (
            select setting.followed_until > v_now from pgq.settings as setting
          ) then interval '1 second'
          else done.every
        end),
        failures = case when v_error is null then 0 else done.failures + 1 end,
        failing_since = case when v_error is not null then coalesce(done.failing_since, v_now) end,
        last_error = v_error
    where done.step = _run_due_steps.step;
    v_may_wait := v_may_wait and (step <> 'partition' or coalesce(affected, 0) = 0);
    return next;
  end loop;
end
$$;

comment on function pgq._run_due_steps is 'Do the steps of the maintenance that are due.';
