/*
 * The ids of up to max_jobs jobs that match every given filter, in the order of their ids, for
 * cancel(), retry(), discard() and reprioritise(). To get the next ones, pass the last id as
 * after_id.
 *
 * states: as in all_jobs; null: all of them. headers: a JSON text that the job's headers contain.
 * error_type, fingerprint: those of the last error. finished_before: no live job fits it.
 *
 * Locks nothing. A page reads all jobs between its first and last id, in the lanes of the given
 * states or in the history. Only these filters use an index: unique_key (of live jobs), batch_id,
 * queue for ready and for failed jobs, and fingerprint if only failed jobs are asked for. All other
 * filters are checked job by job, so name the states.
 */
create or replace function pgq.find_jobs(
  queue text default null,
  task text default null,
  states text[] default null,
  unique_key text default null,
  concurrency_key text default null,
  partition_key text default null,
  batch_id bigint default null,
  created_before timestamptz default null,
  headers text default null,
  error_type text default null,
  max_jobs bigint default 1000,
  after_id bigint default 0,
  finished_before timestamptz default null,
  fingerprint text default null
)
  returns setof bigint
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_max constant bigint := coalesce(max_jobs, 1000);
  v_after constant bigint := coalesce(after_id, 0);
  v_headers constant jsonb := pgq._parse_json(headers collate "default", 'headers');
  v_past constant text[] := array['succeeded', 'failed', 'cancelled', 'expired'];
  v_live constant text[] := array['scheduled', 'blocked', 'ready', 'running'];
  v_found bigint[] := '{}';
begin
  perform pgq._check_count(cardinality(find_jobs.states collate "default"), 'states');
  if not states collate "default" <@ (v_live || v_past) or v_max not between 1 and 100000 then
    raise exception 'states has an entry that is no state, or max_jobs is out of range'
      using errcode = 'JQ002',
            hint = format('Pass some of %s, and 1 up to 100000 jobs.', v_live || v_past);
  end if;
  if finished_before is null and (states is null or states collate "default" && v_live) then
    v_found := pgq._find_live_jobs(
      queue collate "default", task, states, unique_key, concurrency_key, partition_key, batch_id,
      created_before, v_headers, error_type, v_max, v_after, fingerprint
    );
  end if;
  if states is null or states collate "default" && v_past then
    v_found := v_found || pgq._find_finished_jobs(
      queue collate "default", task, states, unique_key, concurrency_key, partition_key, batch_id,
      created_before, v_headers, error_type, v_max, v_after, finished_before, fingerprint
    );
  end if;
  return query
  select distinct found from unnest(v_found) as found order by found limit v_max;
end
$$;

comment on function pgq.find_jobs is
  'The ids of up to max_jobs jobs that match every given filter, in the order of their ids.';
