/*
 * Let claimed jobs wait again. With a delay (seconds by job id) they wait for that long. Without
 * one they wait for their backoff, or their queue's, if the attempt counts (retried); if it does
 * not count (snoozed, released), they are ready at once. Jobs in strict order keep their slots. The
 * caller has locked the claims.
 */
create or replace function pgq._reschedule_claimed(
  ids bigint[],
  delays jsonb,
  outcome text,
  now_at timestamptz
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_counted constant integer := (outcome = 'retried')::integer;
begin
  if cardinality(ids) = 0 then
    return;
  end if;
  perform pgq._count_outcome(ids, outcome, now_at);

  update pgq.jobs as job
  set attempt = job.attempt + v_counted,
      run_at = pgq._add_interval(now_at, case
        when delays ? job.id::text then (delays ->> job.id::text)::interval
        when v_counted = 1 then pgq._backoff_delay(
          coalesce(
            job.backoff,
            (select queue.backoff from pgq.queues as queue where queue.name = job.queue)
          ),
          job.attempt + 1
        )
        else interval '0'
      end),
      expires_at = case when v_counted = 0 then job.expires_at end,
      last_claim_id = (select claim_id from pgq.running where job_id = job.id)
  where job.id = any(ids);

  delete from pgq.running
  where job_id = any(ids);

  perform pgq._release_slots(ids, array['continue', 'block']);
  perform pgq._place_in_lane(ids, now_at);
end
$$;

comment on function pgq._reschedule_claimed is 'Let claimed jobs wait for their next run.';
