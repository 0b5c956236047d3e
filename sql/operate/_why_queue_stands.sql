/*
 * Why a queue gives no job with this partition key to anybody: a pause or a limit.
 */
create or replace function pgq._why_queue_stands(
  queue text,
  partition_key text,
  now_at timestamptz
)
  returns table (reason text, explanation text, until timestamptz)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_queue pgq.queues;
  v_running bigint;
  v_tokens double precision;
begin
  select * into v_queue
  from pgq.queues as configured
  where configured.name = _why_queue_stands.queue;
  return query
  select 'pause', case
      when v_queue.paused_until is null then 'its queue is paused until somebody resumes it'
      else 'its queue is paused for a while'
    end, v_queue.paused_until
  where v_queue.paused_at is not null
    and (v_queue.paused_until is null or v_queue.paused_until > now_at);

  if v_queue.max_running is not null then
    v_running := (
      select count(*)
      from pgq.running as claim
      where claim.queue = v_queue.name
        and claim.limited_xid >= pgq._first_xid('running', v_queue.name)
    );
    return query
    select 'max_running',
      format('%s jobs of its queue run, and only %s may', v_running, v_queue.max_running),
      null::timestamptz
    where v_running >= v_queue.max_running;
  end if;

  if v_queue.rate_limit is not null then
    v_tokens := (
      select pgq._bucket_tokens(bucket.tokens, bucket.counted_at, v_queue, now_at)
      from pgq.rate_buckets as bucket
      where bucket.queue = v_queue.name
        and bucket.partition_key = case
          when v_queue.rate_per_key then coalesce(_why_queue_stands.partition_key, '') else ''
        end
      order by bucket.id desc
      limit 1
    );
    return query
    select 'rate_limit', 'its queue has used up its rate limit', case
        when v_queue.rate_limit > 0
        then pgq._add_interval(now_at, make_interval(
          secs => (1 - v_tokens) / v_queue.rate_limit * extract(
            epoch from coalesce(v_queue.rate_interval, interval '1 second')
          )::double precision
        ))
      end
    where v_queue.rate_limit = 0 or v_tokens < 1 - 1e-9;
  end if;
end
$$;

comment on function pgq._why_queue_stands is 'Why a queue gives no job with this key to anybody.';
