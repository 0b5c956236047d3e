/*
 * Store how far a claimed job has come, for people who watch it. Answers ok or lost.
 */
create or replace function pgq.set_progress(job_id bigint, claim_id bigint, progress text)
  returns text
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_progress jsonb;
begin
  -- This leaves room for the escapes of 64 kB; a longer text is not read at all.
  if octet_length(set_progress.progress) > 1048576 then
    raise exception 'progress has % bytes as text', octet_length(set_progress.progress)
      using errcode = 'JQ002',
            hint = 'Pass a number or a short object.';
  end if;
  v_progress := pgq._parse_json(set_progress.progress, 'progress');
  if pg_column_size(v_progress) > 65536 then
    raise exception 'progress takes % bytes, more than 65536', pg_column_size(v_progress)
      using errcode = 'JQ002',
            hint = 'Pass a number or a short object.';
  end if;
  if pgq._json_problem(v_progress) is not null then
    raise exception 'progress has %', pgq._json_problem(v_progress)
      using errcode = 'JQ002',
            hint = 'Pass a number or a short object.';
  end if;
  update pgq.running as claim
  set progress = v_progress
  where claim.job_id = set_progress.job_id
    and claim.claim_id = set_progress.claim_id;
  return case when found then 'ok' else 'lost' end;
end
$$;

comment on function pgq.set_progress is 'Store how far a claimed job has come; answers ok or lost.';
