/*
 * One answer per job of a settle: ok or cancelled for those settled now; already when this claim
 * was settled before by a call with its claim_id (whose answer was lost); lost when the claim is
 * not, or no longer, held, also when it was taken away: see _revoke_claims().
 */
create or replace function pgq._outcomes(
  ids bigint[],
  claim_ids bigint[],
  settled bigint[],
  cancelled bigint[]
)
  returns table (job_id bigint, outcome text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_nestloop = off
as $$
#variable_conflict use_column
begin
  return query
  select asked.job_id,
    case
      when not coalesce(
        (
          select job.last_claim_id = asked.claim_id
          from pgq.jobs as job
          where job.id = asked.job_id
        ),
        (
          select true
          from pgq.job_history as past
          where past.id = asked.job_id
            and past.claim_id = asked.claim_id
          limit 1
        ),
        false
      ) then 'lost'
      when stopped is not null then 'cancelled'
      when held is not null then 'ok'
      else 'already'
    end
  from unnest(ids, claim_ids) with ordinality as asked (job_id, claim_id, place)
  left join unnest(cancelled) as stopped on stopped = asked.job_id
  left join unnest(settled) as held on held = asked.job_id
  order by asked.place;
end
$$;

comment on function pgq._outcomes is
  'One answer per job of a settle: ok, already, lost or cancelled.';
