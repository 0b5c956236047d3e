/*
 * The common part of snooze_batch and release_batch: check the claims, cancel the jobs that
 * somebody asked to cancel, and hand back the others.
 */
create or replace function pgq._settle_unfinished(
  ids bigint[],
  claim_ids bigint[],
  delays jsonb,
  settled_as text
)
  returns table (job_id bigint, outcome text, state text, run_at timestamptz)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_held constant bigint[] := pgq._lock_claims(
    _settle_unfinished.ids, _settle_unfinished.claim_ids
  );
  v_cancelled constant bigint[] := pgq._with_cancel_request(v_held);
begin
  perform pgq._end_jobs(v_cancelled, 'cancelled', v_now);
  perform pgq._reschedule_claimed(
    array(select unnest(v_held) except select unnest(v_cancelled)),
    _settle_unfinished.delays, settled_as, v_now
  );
  return query
  select *
  from pgq._outcomes_with_state(
    _settle_unfinished.ids, _settle_unfinished.claim_ids, v_held, v_cancelled
  );
end
$$;

comment on function pgq._settle_unfinished is 'The common part of snooze_batch and release_batch.';
