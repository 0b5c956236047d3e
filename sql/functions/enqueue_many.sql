/*
 * Add jobs, given as a JSON array of objects with the options of enqueue(), all or none.
 *
 * Jobs without a unique_key are inserted by one statement. Those with one follow one by one, in
 * the order of their keys: two calls with the same keys in any order wait for each other in the
 * same order. Owners to be replaced or bumped are locked last, in the order of their ids.
 * What on_conflict => 'discard' drops has a null id.
 */
create or replace function pgq.enqueue_many(jobs anycompatible)
  returns table (id bigint, created boolean)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_jobs jsonb := pgq._to_json(enqueue_many.jobs, 'jobs');
  v_job record;
  v_done record;
  v_ids bigint[];
  v_created boolean[];
begin
  perform pgq._check_job_shapes(v_jobs);
  v_jobs := pgq._resolve_refs(v_jobs);
  perform pgq._check_jobs(v_jobs);
  perform pgq._join_batches(v_jobs);

  v_ids := pgq._insert_jobs(v_jobs, v_now);
  v_created := array_fill(true, array[cardinality(v_ids)]);
  if not jsonb_path_exists(v_jobs, '$[*] ? (@.unique_key != null)') then
    return query
    select * from unnest(v_ids, v_created);
    return;
  end if;

  loop
    begin
      for v_job in
        select * from pgq._keyed_jobs(v_jobs, v_now) as keyed
        order by keyed.unique_key collate "C", keyed.place
      loop
        select found.id, found.created
        into v_done
        from pgq._insert_or_find(
          v_job.stored, v_job.on_conflict, v_job.unique_while, v_job.unique_for, v_now
        ) as found;
        v_ids[v_job.place] := v_done.id;
        v_created[v_job.place] := v_done.created;
      end loop;
      perform pgq._change_owners(v_jobs, v_ids, v_created, v_now);
      exit;
    exception
      when sqlstate 'JQ007' then
        null;  -- an owner ended: let go of all keys and jobs, and look again
    end;
  end loop;

  return query
  select * from unnest(v_ids, v_created);
end
$$;

comment on function pgq.enqueue_many is
  'Add jobs, a JSON array of objects with the options of enqueue(), all or none; answers in order.';
