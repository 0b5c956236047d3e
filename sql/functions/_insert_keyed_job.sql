/*
 * Store a job with a unique_key, or do with the live job that owns the key what on_conflict says.
 *
 * The insert waits for an uncommitted twin. When the owner ends between two statements, the next
 * round inserts. A waiting owner is changed while its lane row is held; a running one is left as
 * it is, since its handler already has its arguments.
 */
create or replace function pgq._insert_keyed_job(
  new_job pgq.jobs,
  on_conflict text,
  now_at timestamptz
)
  returns table (id bigint, created boolean)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_owner bigint;
begin
  loop
    id := pgq._insert_job(new_job, now_at);
    created := id is not null;
    if created then
      return next;
      return;
    end if;

    v_owner := (select owner.id from pgq.jobs as owner where unique_key = new_job.unique_key);
    continue when v_owner is null;

    if on_conflict = 'raise' then
      raise exception 'unique_key is taken: %', new_job.unique_key
        using errcode = 'JQ003',
              detail = format('Job %s owns it.', v_owner),
              hint = 'Wait until that job ends, or pass on_conflict => return, replace or bump.';
    end if;
    if on_conflict in ('replace', 'bump') then
      if v_owner = any(pgq._take_waiting(array[v_owner])) then
        perform pgq._change_job(v_owner, new_job, on_conflict, now_at);
      else
        continue when not exists (select from pgq.running where job_id = v_owner);
      end if;
    end if;
    id := v_owner;
    return next;
    return;
  end loop;
end
$$;

comment on function pgq._insert_keyed_job is
  'Store a job with a unique_key, or do with its owner what on_conflict says.';
