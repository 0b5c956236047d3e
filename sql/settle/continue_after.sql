/*
 * Enqueue jobs, and let a claimed job wait until they have ended: then it runs again. Answers ok;
 * already, lost or cancelled, as other settles do, and then nothing was enqueued.
 *
 * The attempt does not count. The jobs become parents of this one, after those that it has, and
 * belong to its batch. If one of them does not succeed, on_parent_failure decides, which is this
 * job's own unless it is given.
 *
 * The claim is the fence, so a worker that has lost the job adds nothing. The jobs are new, so no
 * cycle can be made, and nobody sees one of them before this one waits for it.
 */
create or replace function pgq.continue_after(
  job_id bigint,
  claim_id bigint,
  jobs text,
  on_parent_failure text default null
)
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_jobs constant jsonb := pgq._parse_json(continue_after.jobs, 'jobs');
  v_on_failure constant text collate "default" := continue_after.on_parent_failure;
  v_held constant bigint[] := pgq._lock_claims(
    array[continue_after.job_id], array[continue_after.claim_id]
  );
  v_outcome text;
begin
  perform pgq._check_job_shapes(v_jobs);
  if v_on_failure not in ('cancel', 'run', 'wait') then
    raise exception 'on_parent_failure is %', pgq._shorten(v_on_failure)
      using errcode = 'JQ002',
            hint = 'Pass cancel, run or wait.';
  end if;
  if v_held <> '{}' and pgq._with_cancel_request(v_held) = '{}' then
    perform pgq._add_parents(continue_after.job_id, v_jobs, v_on_failure);
  end if;
  select settled.outcome
  into v_outcome
  from pgq._settle_unfinished(
    array[continue_after.job_id], array[continue_after.claim_id], '{}', 'snoozed'
  ) as settled;
  -- No parent can have ended before this transaction has.
  update pgq.blocked
  set is_new = false
  where blocked.job_id = any(v_held)
    and is_new;
  return v_outcome;
end
$$;

comment on function pgq.continue_after is
  'Enqueue jobs, and let a claimed job wait until they have ended, then run again.';
