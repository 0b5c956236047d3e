/*
 * One answer per job of a settle. ok or cancelled: it was settled now. already: a call with this
 * claim_id has settled it before, and that answer was lost. lost: the claim is not valid, or not
 * any more; that includes claims that were taken away, see _revoke_claims(). bare: jobs that leave
 * no row if they were settled, and their claims.
 */
create or replace function pgq._outcomes(
  ids bigint[],
  claim_ids bigint[],
  settled bigint[],
  cancelled bigint[],
  bare bigint[] default null,
  bare_claims bigint[] default null
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
      when held is not null and (asked.job_id, asked.claim_id) in (
        select * from unnest(bare, bare_claims)
      ) then 'ok'
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
