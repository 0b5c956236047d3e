/*
 * What a job carries, as text: its args, headers, progress and result, those that there are, each
 * cut after max_chars. chars: how long the whole is. What takes over a megabyte where it is stored
 * is not read: content and chars are null then, and stored_bytes says how much it is.
 */
create or replace function pgq.job_content(job_id bigint, max_chars bigint default 4096)
  returns table (part text, content text, chars bigint, stored_bytes bigint)
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_max constant bigint := coalesce(max_chars, 4096);
begin
  if v_max not between 1 and 1000000 then
    raise exception 'max_chars is %', v_max
      using errcode = 'JQ002',
            hint = 'Pass 1 to 1000000 characters.';
  end if;
  return query
  select had.part, left(read.whole, v_max::integer), length(read.whole)::bigint,
    had.stored::bigint
  from pgq.all_jobs as job
  cross join lateral (
    values
      (1, 'args', job.args, pg_column_size(job.args)),
      (2, 'headers', job.headers, pg_column_size(job.headers)),
      (3, 'progress', job.progress, pg_column_size(job.progress)),
      (4, 'result', job.result, pg_column_size(job.result))
  ) as had (place, part, document, stored)
  cross join lateral (
    select case when had.stored <= 1048576 then had.document::text end
    offset 0
  ) as read (whole)
  where job.id = job_content.job_id
    and had.document is not null
  order by had.place;
end
$$;

comment on function pgq.job_content is
  'What a job carries, as text that is cut: args, headers, progress and result.';
