/*
 * Store a job with a unique_key, or find the live job that owns the key; raise JQ003 when
 * on_conflict says so. Waits for an uncommitted twin; when the owner ends between two statements,
 * the next round inserts.
 */
create or replace function pgq._insert_or_find(
  new_job pgq.jobs,
  on_conflict text,
  now_at timestamptz
)
  returns table (id bigint, created boolean)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
begin
  loop
    id := pgq._insert_job(new_job, now_at);
    created := id is not null;
    if not created then
      id := (select owner.id from pgq.jobs as owner where unique_key = new_job.unique_key);
    end if;
    exit when id is not null;
  end loop;

  if not created and on_conflict = 'raise' then
    raise exception 'unique_key is taken: %', new_job.unique_key
      using errcode = 'JQ003',
            detail = format('Job %s owns it.', id),
            hint = 'Wait until that job ends, or pass on_conflict => return, replace or bump.';
  end if;
  return next;
end
$$;

comment on function pgq._insert_or_find is
  'Store a job with a unique_key, or find the live job that owns the key.';
