/*
 * Do what is due of the housekeeping, a bounded amount of it, and say what was done. Any number of
 * workers may call it as often as they like: a step that is not due, or that another session is
 * doing, is passed over.
 *
 * A step stops no other: the answer to one that fails is null, its error is noted in maintenance
 * and named by health(), and it is tried again in ten seconds. A cancellation ends the call, so
 * each step is bounded; one that has done all that it may is due again at once. Partitions come
 * last, since their locks last to the end: once new ones were made, nobody is waited for. A step
 * that is due later than its own period was put off by a clock that went wrong.
 */
create or replace function pgq.maintain()
  returns table (step text, affected bigint)
  language plpgsql
  security definer
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
    where due.due_at <= v_now
      or due.due_at > v_now + greatest(due.every, interval '10 seconds')
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
          else done.every
        end),
        failures = case when v_error is null then 0 else done.failures + 1 end,
        failing_since = case when v_error is not null then coalesce(done.failing_since, v_now) end,
        last_error = v_error
    where done.step = maintain.step;
    v_may_wait := v_may_wait and (step <> 'partition' or coalesce(affected, 0) = 0);
    return next;
  end loop;
end
$$;

comment on function pgq.maintain is
  'Do what is due of the housekeeping, a bounded amount of it, and say what was done.';
