/*
 * What complete_batch does if some results cannot be stored: the attempts of those jobs fail, with
 * an error that says why, and their answer is refused; the other jobs are completed. The arrays go
 * together by place, and a place without an id is left out, as in all settles.
 */
create or replace function pgq._complete_or_refuse(
  ids bigint[],
  claim_ids bigint[],
  results text[],
  problems text[]
)
  returns table (job_id bigint, outcome text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  -- A slice begins at 1, whatever the lower bound of the caller's array is.
  v_ids constant bigint[] := ids[:];
  v_claims constant bigint[] := claim_ids[:];
  v_results constant text[] := results[:];
  v_good bigint[];
  v_bad bigint[];
  v_outcomes text[];
  v_refused text[];
begin
  select coalesce(array_agg(asked.place order by asked.place) filter (where problem is null), '{}'),
    coalesce(array_agg(asked.place order by asked.place) filter (where problem is not null), '{}')
  into v_good, v_bad
  from unnest(v_ids, problems) with ordinality as asked (id, problem, place)
  where asked.place <= cardinality(v_ids);

  v_outcomes := array(
    select done.outcome
    from pgq.complete_batch(
      array(select v_ids[place] from unnest(v_good) as place),
      array(select v_claims[place] from unnest(v_good) as place),
      array(select v_results[place] from unnest(v_good) as place)
    ) with ordinality as done (job_id, outcome, place)
    order by done.place
  );
  v_refused := array(
    select case done.outcome when 'ok' then 'refused' else done.outcome end
    from pgq.fail_batch(
      array(select v_ids[place] from unnest(v_bad) as place),
      array(select v_claims[place] from unnest(v_bad) as place),
      array(select 'the result cannot be stored: ' || problems[place] from unnest(v_bad) as place),
      array_fill('InvalidResult'::text, array[cardinality(v_bad)])
    ) with ordinality as done (job_id, outcome, state, run_at, place)
    order by done.place
  );
  return query
  select v_ids[answer.place], answer.outcome
  from (
    select * from unnest(v_good, v_outcomes)
    union all
    select * from unnest(v_bad, v_refused)
  ) as answer (place, outcome)
  order by answer.place;
end
$$;

comment on function pgq._complete_or_refuse is
  'What complete_batch does if some results cannot be stored: those jobs'' attempts fail.';
