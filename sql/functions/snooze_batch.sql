/*
 * Put claimed jobs off by a delay each, without counting the attempt. A job that somebody asked to
 * cancel ends as cancelled. Answers like fail_batch; locks the claims in the order of their jobs.
 */
create or replace function pgq.snooze_batch(ids bigint[], claim_ids bigint[], delays interval[])
  returns table (job_id bigint, outcome text, state text, run_at timestamptz)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  if cardinality(snooze_batch.delays) is distinct from cardinality(snooze_batch.ids)
    or exists (select from unnest(snooze_batch.delays) as delay where delay is null)
  then
    raise exception 'not every job has a delay'
      using errcode = 'JQ002',
            hint = 'Pass one interval per job.';
  end if;
  return query
  select *
  from pgq._put_back(
    snooze_batch.ids, snooze_batch.claim_ids,
    pgq._delays_by_job(snooze_batch.ids, snooze_batch.delays)
  );
end
$$;

comment on function pgq.snooze_batch is
  'Put claimed jobs off by a delay each, without counting the attempt; answers per job.';
