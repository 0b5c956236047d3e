/*
 * Put claimed jobs off by a delay each, without counting the attempt. A job that somebody asked to
 * cancel ends as cancelled. Answers like fail_batch; locks the claims in the order of their jobs.
 *
 * If a delay is missing, negative, infinite or over a hundred years, that job's attempt fails, and
 * its answer is refused.
 */
create or replace function pgq.snooze_batch(ids bigint[], claim_ids bigint[], delays interval[])
  returns table (job_id bigint, outcome text, state text, run_at timestamptz)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  -- One dimension with the lower bound 1, whatever the caller passed.
  v_ids constant bigint[] := array(select unnest(snooze_batch.ids));
  v_claim_ids constant bigint[] := array(select unnest(snooze_batch.claim_ids));
  v_delays constant jsonb := pgq._delays_by_job(snooze_batch.ids, snooze_batch.delays);
  v_good bigint[];
  v_bad bigint[];
begin
  if cardinality(snooze_batch.delays) is distinct from cardinality(snooze_batch.ids) then
    raise exception 'not every job has a delay'
      using errcode = 'JQ002',
            hint = 'Pass one interval per job.';
  end if;
  perform pgq._check_claim_pairs(snooze_batch.ids, snooze_batch.claim_ids);
  select array_agg(place order by place) filter (where coalesce(v_delays ? asked.id::text, true)),
    array_agg(place order by place) filter (where not v_delays ? asked.id::text)
  into v_good, v_bad
  from unnest(snooze_batch.ids) with ordinality as asked (id, place);

  return query
  select answer.job_id, answer.outcome, answer.state, answer.run_at
  from (
    select done.*, v_good[place] as asked_at
    from pgq._settle_unfinished(
      array(select v_ids[place] from unnest(v_good) as place),
      array(select v_claim_ids[place] from unnest(v_good) as place),
      v_delays,
      'snoozed'
    ) with ordinality as done (job_id, outcome, state, run_at, place)
    union all
    select done.job_id, case done.outcome when 'ok' then 'refused' else done.outcome end,
      done.state, done.run_at, place, v_bad[place]
    from pgq.fail_batch(
      array(select v_ids[place] from unnest(v_bad) as place),
      array(select v_claim_ids[place] from unnest(v_bad) as place),
      array_fill('the delay is missing, negative, infinite or over a hundred years'::text,
        array[coalesce(cardinality(v_bad), 0)]),
      array_fill('InvalidDelay'::text, array[coalesce(cardinality(v_bad), 0)])
    ) with ordinality as done (job_id, outcome, state, run_at, place)
    where v_bad is not null
  ) as answer
  order by answer.asked_at;
end
$$;

comment on function pgq.snooze_batch is
  'Put claimed jobs off by a delay each, without counting the attempt; answers per job.';
