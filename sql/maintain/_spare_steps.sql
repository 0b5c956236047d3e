/*
 * The steps of the maintenance that an idle worker does in its turn. Workers that run jobs do the
 * maintenance every second. So an idle one leaves a step to them until it is two seconds late.
 *
 * While no lane has a job and no outcome waits to be counted, steps have little to do. Then they
 * may be late by three quarters of a minute; the search for dead workers by 5 seconds, and the
 * sample of depths, which others read for 30 seconds, by 10.
 *
 * Two steps never come later: the search for dead workers while jobs run, and counting outcomes
 * while somebody follows them.
 *
 * The steps with the longest periods may wait or take long, and claims would wait for them. They
 * are left to maintain(), as is a bulk operation. long_due_at says since when they are due.
 */
create or replace function pgq._spare_steps(
  is_quiet boolean,
  now_at timestamptz,
  out steps text[],
  out long_due_at timestamptz
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  select
    array_agg(due.step) filter (where due.every < interval '1 hour'),
    min(due.due_at) filter (where due.every >= interval '1 hour')
  into steps, long_due_at
  from pgq.maintenance as due
  where due.step <> 'bulk'
    and (
      due.due_at > now_at + greatest(due.every, interval '10 seconds')
      or due.due_at <= now_at and (
        due.every >= interval '1 hour'
        or due.due_at <= pgq._add_interval(now_at, case
          when due.step = 'statistics' and (
            select setting.followed_until > now_at from pgq.settings as setting
          ) then interval '0'
          when due.step = 'rescue' then interval '-5 seconds' * is_quiet::integer
          when not is_quiet then interval '-2 seconds'
          when due.step = 'depth' then interval '-10 seconds'
          else interval '-45 seconds'
        end)
      )
    );
end
$$;

comment on function pgq._spare_steps is
  'The steps of the maintenance that an idle worker does in its turn.';
