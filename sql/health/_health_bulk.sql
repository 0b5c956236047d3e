/*
 * bulk_operations
 *   when: one is 2 min (fail: 10 min) late, its page fails, or it failed within the last day
 *   do: mend what the error says, or `bulk_stop`; start a worker
 */
create or replace function pgq._health_bulk(now_at timestamptz)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  with open as (
    select id, error, extract(epoch from now_at - due_at)::double precision as late
    from pgq.bulk_operations
    where due_at is not null
    order by due_at
    limit 1000
  ),
  ill as (
    select id, error, late from open where late > 120 or error is not null
    union all
    select id, error, null
    from (
      select id, error, ending
      from pgq.bulk_operations
      where ended_at > now_at - interval '24 hours'
      order by ended_at desc
      limit 1000
    ) as ended
    where ending = 'failed'
  )
  select 'bulk_operations',
    case
      when max(late) > 600 then 'fail'
      when count(*) > 0 then 'warn'
      else 'ok'
    end,
    count(*)::double precision,
    case
      when count(*) = 0 then 'no bulk operation stands still'
      else 'standing still or failing: ' || pgq._list_briefly(array_agg(
        format('%s (%s)', id, coalesce(
          left(error, 100), 'late by ' || pgq._format_interval(make_interval(secs => late))
        ))
        order by id desc))
    end,
    case
      when count(late) filter (where error is not null) > 0
      then format('Mend what the error says, or stop it: select pgq.bulk_stop(%s);',
        max(id) filter (where late is not null and error is not null))
      when count(late) > 0
      then format('Start a worker, or: select pgq.bulk_work(%s);',
        max(id) filter (where late is not null))
      when count(*) > 0
      then format('Mend what the error says, and start it anew: select * from pgq.bulk_status(%s);',
        max(id))
    end,
    'What somebody asked to be done to many jobs is not done.'
  from ill;
end
$$;

comment on function pgq._health_bulk is
  'Health: bulk operations that stand still, or that have failed.';
