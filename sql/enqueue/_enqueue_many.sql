/*
 * What enqueue_many does once the jobs are jsonb: the part with the owner's rights.
 */
create or replace function pgq._enqueue_many(jobs jsonb)
  returns table (id bigint, created boolean)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_options text[] := pgq._check_job_shapes(_enqueue_many.jobs);
  v_filled constant jsonb := pgq._fill_in_jobs(_enqueue_many.jobs);
  v_jobs jsonb := coalesce(v_filled, _enqueue_many.jobs);
  v_ids bigint[];
  v_done record;
begin
  if v_filled is not null then
    v_options := pgq._check_job_shapes(v_jobs);
  end if;
  if v_options <@ '{task,args,queue,declared}' then
    return query
    select *, true from unnest(pgq._insert_plain_jobs(v_jobs, v_now));
    return;
  end if;

  if v_options && '{ref,depends_on}'
    or 'concurrency_order' = any(v_options) and v_options && '{unique_key,unique_by}'
  then
    v_jobs := pgq._resolve_refs(v_jobs);
  end if;
  perform pgq._check_jobs(v_jobs);
  if 'batch_id' = any(v_options) then
    perform pgq._join_batches(v_jobs);
  end if;

  if 'unique_by' = any(v_options) then
    v_jobs := pgq._with_keys_of_args(v_jobs);
  elsif 'unique_key' <> all(v_options) then
    return query
    select *, true from unnest(pgq._insert_jobs(v_jobs, v_now));
    return;
  end if;

  v_ids := case
    when v_jobs @? '$[*] ? (!exists(@.unique_key) || @.unique_key == null)'
    then pgq._insert_jobs(v_jobs, v_now)
    else array_fill(null::bigint, array[jsonb_array_length(v_jobs)])
  end;
  loop
    begin
      select *
      into v_done
      from pgq._insert_or_find_owners(v_jobs, v_now, v_ids);
      if 'on_conflict' = any(v_options) then
        perform pgq._replace_or_bump_owners(v_jobs, v_done.ids, v_done.created, v_now);
      end if;
      exit;
    exception
      when sqlstate 'JQ007' then
        null;  -- an owner ended: let go of all keys and jobs, and look again
    end;
  end loop;

  return query
  select * from unnest(v_done.ids, v_done.created);
end
$$;

comment on function pgq._enqueue_many is
  'What enqueue_many does once the jobs are jsonb.';
