/*
 * Return a page of the audit, the newest rows first, and only those before before_id. `who` is a
 * login or an actor, `what` a function, `about` its target, and job_id one of the jobs that a row
 * names.
 *
 * It looks at up to 100,000 rows. If there are more, a notice says so.
 */
create or replace function pgq.audit_log(
  who text default null,
  what text default null,
  about text default null,
  job_id bigint default null,
  since timestamptz default null,
  until timestamptz default null,
  of_operation bigint default null,
  before_id bigint default null,
  page_size bigint default 100
)
  returns table (
    id bigint,
    at timestamptz,
    login text,
    actor text,
    address text,
    action text,
    target text,
    options jsonb,
    ids bigint[],
    affected bigint,
    outcomes jsonb,
    operation_id bigint
  )
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  c_most constant bigint := 100000;
  v_size constant bigint := coalesce(page_size, 100);
  v_before constant bigint := coalesce(before_id, 9223372036854775807);
  v_found bigint;
  v_last bigint;
begin
  if v_size not between 1 and 1000 then
    raise exception 'page_size is %', v_size
      using errcode = 'JQ002',
            hint = 'Pass 1 to 1000 rows a page.';
  end if;
  return query
  select noted.id, noted.at, noted.login, noted.actor, host(noted.address), noted.action,
    noted.target, noted.options, noted.ids, noted.affected, noted.outcomes, noted.operation_id
  from (
    select * from pgq.audit as newest where newest.id < v_before order by newest.id desc
    limit c_most
  ) as noted
  where (who is null or noted.login = who collate "default" or noted.actor = who collate "default")
    and (what is null or noted.action = what collate "default")
    and (about is null or noted.target = about collate "default")
    and (job_id is null or job_id = any(noted.ids))
    and (since is null or noted.at >= since)
    and (until is null or noted.at < until)
    and (of_operation is null or noted.operation_id = of_operation)
  order by noted.id desc
  limit v_size;
  get diagnostics v_found = row_count;

  v_last := case
    when v_found < v_size then (
      select next.id from pgq.audit as next where next.id < v_before order by next.id desc
      offset c_most limit 1
    )
  end;
  if v_last is not null then
    raise notice 'only % rows of the audit were looked at', c_most
      using hint = format('Look further with before_id => %s.', v_last + 1);
  end if;
end
$$;

comment on function pgq.audit_log is
  'Return a page of the audit: who changed what and when, the newest first.';
