/*
 * Add the outcomes of some jobs to a bulk operation: how many there are of each, and the first
 * hundred ids. Busy jobs are kept to be tried again, up to 10,000 of them, while there are rounds
 * to come.
 */
create or replace function pgq._count_bulk_outcomes(
  operation pgq.bulk_operations,
  ids bigint[],
  words text[]
)
  returns pgq.bulk_operations
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_again bigint[] := '{}';
  v_outcome record;
begin
  if operation.rounds < 2 and cardinality(operation.still_busy) < 10000 then
    v_again := array(
      select id from unnest(ids, words) as answer (id, word) where word = 'busy' order by id
    );
    operation.still_busy := operation.still_busy || v_again;
  end if;
  for v_outcome in
    select word, count(*) as jobs, to_jsonb((array_agg(id order by id))[1:100]) as first_ids
    from unnest(ids, words) as answer (id, word)
    where word <> 'busy' or cardinality(v_again) = 0
    group by word
  loop
    operation.outcomes := operation.outcomes || jsonb_build_object(
      v_outcome.word,
      coalesce((operation.outcomes ->> v_outcome.word)::bigint, 0) + v_outcome.jobs
    );
    operation.examples := operation.examples || jsonb_build_object(
      v_outcome.word,
      jsonb_path_query_array(
        coalesce(operation.examples -> v_outcome.word, '[]') || v_outcome.first_ids, '$[0 to 99]'
      )
    );
  end loop;
  return operation;
end
$$;

comment on function pgq._count_bulk_outcomes is
  'Add the outcomes of some jobs to a bulk operation.';
