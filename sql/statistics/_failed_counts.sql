/*
 * Count the failed jobs in the history by queue, and find the oldest of each.
 *
 * It reads the index of failed and expired jobs, for up to 500 queues. It stops at 10,000 jobs of
 * all queues together, but reads a hundred of each queue. is_more says that a queue has more.
 */
create or replace function pgq._failed_counts()
  returns table (queue text, jobs bigint, oldest_at timestamptz, is_more boolean)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_left bigint := 10000;
  v_queues bigint := 0;
  v_queue text := '';
  v_looked_at bigint;
begin
  loop
    v_queue := (
      select past.queue
      from pgq.job_history as past
      where past.state in ('failed', 'expired')
        and past.queue > v_queue
      order by past.queue, past.finished_at
      limit 1
    );
    exit when v_queue is null or v_queues >= 500;
    select v_queue, count(*) filter (where near.state = 'failed'),
      min(near.finished_at) filter (where near.state = 'failed'), count(*)
    into queue, jobs, oldest_at, v_looked_at
    from (
      select past.state, past.finished_at
      from pgq.job_history as past
      where past.state in ('failed', 'expired')
        and past.queue = v_queue
      order by past.queue, past.finished_at
      limit greatest(v_left, 100)
    ) as near;
    is_more := v_looked_at >= greatest(v_left, 100);
    v_left := v_left - v_looked_at;
    v_queues := v_queues + 1;
    return next;
  end loop;
end
$$;

comment on function pgq._failed_counts is
  'Count the failed jobs in the history by queue, and find the oldest of each.';
