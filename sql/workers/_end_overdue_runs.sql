/*
 * Fail up to batch_size attempts that have run for half a minute longer than their timeout; answer
 * how many. A worker usually ends its attempts in time; if it did not, it is frozen, or it ignores
 * the timeout.
 *
 * Reads the pages of the running lane, which is as small as the workers' concurrency. By an index
 * it would visit each dead row. It skips claims that are being settled.
 */
create or replace function pgq._end_overdue_runs(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_grace constant interval := '30 seconds';
  v_now constant timestamptz := pgq._now();
  v_ids bigint[];
  v_messages text[];
begin
  select array_agg(overdue.job_id),
    array_agg(format(
      'the job ran longer than %s, and its worker did not end it',
      pgq._format_interval(overdue.timeout)
    ))
  into v_ids, v_messages
  from (
    select claim.job_id, limited.timeout
    from pgq.running as claim
    cross join lateral (
      select job.timeout
      from pgq.jobs as job
      where job.id = claim.job_id
      offset 0
    ) as limited
    where claim.job_id = any(array(
        select seen.job_id
        from pgq.running as seen
        where seen.ctid >= '(0,0)'
          and seen.claimed_at < v_now - v_grace
      ))
      and claim.claimed_at < pgq._add_interval(v_now - v_grace, -limited.timeout)
    order by claim.job_id
    limit batch_size
    for update of claim skip locked
  ) as overdue;

  if v_ids is null then
    return 0;
  end if;
  perform pgq.fail_batch(
    v_ids, pgq._revoke_claims(v_ids),
    messages => v_messages,
    error_types => array_fill('JobTimeout'::text, array[cardinality(v_ids)])
  );
  return cardinality(v_ids);
end
$$;

comment on function pgq._end_overdue_runs is
  'Fail attempts that have run for half a minute longer than their timeout.';
