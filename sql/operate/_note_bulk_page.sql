/*
 * Store how far a bulk operation has come after a page, and when it goes on: at once; in five
 * seconds, if only jobs are left that others held; or never, because it has finished.
 *
 * If all its jobs were counted when it was made, and it did not find some of them, these have left
 * its states. They are counted as passed over.
 */
create or replace function pgq._note_bulk_page(operation pgq.bulk_operations, now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_missing bigint;
begin
  operation.due_at := now_at;
  if operation.last_id >= operation.highest_id and cardinality(operation.busy) = 0 then
    if cardinality(operation.still_busy) > 0 then
      operation.rounds := operation.rounds + 1;
      operation.busy := operation.still_busy;
      operation.still_busy := '{}';
      operation.due_at := now_at + interval '5 seconds';
    else
      operation.due_at := null;
      operation.ended_at := now_at;
      operation.ending := 'finished';
      v_missing := operation.jobs - pgq._bulk_jobs_done(operation.outcomes);
      if operation.is_exact and v_missing > 0 then
        operation.outcomes := operation.outcomes || jsonb_build_object(
          'passed_over',
          coalesce((operation.outcomes ->> 'passed_over')::bigint, 0) + v_missing
        );
      end if;
    end if;
  end if;
  update pgq.bulk_operations as stored
  set due_at = operation.due_at,
      begun_at = operation.begun_at,
      last_id = operation.last_id,
      rounds = operation.rounds,
      busy = operation.busy,
      still_busy = operation.still_busy,
      outcomes = operation.outcomes,
      examples = operation.examples,
      failures = 0,
      error = null,
      ended_at = operation.ended_at,
      ending = operation.ending
  where stored.id = operation.id;
end
$$;

comment on function pgq._note_bulk_page is
  'Store how far a bulk operation has come after a page, and when it goes on.';
