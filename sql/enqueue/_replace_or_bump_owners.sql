/*
 * Replace or bump the owners of unique keys that an enqueue_many call found, while it holds their
 * lane rows. Raises JQ007, which only enqueue_many catches, if one of them no longer has its key,
 * and JQ003 if args cannot be merged into one that runs or has ended.
 */
create or replace function pgq._replace_or_bump_owners(
  jobs jsonb,
  owners bigint[],
  was_created boolean[],
  now_at timestamptz
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_backoffs constant jsonb := pgq._parse_backoffs(jobs);
  v_job record;
  v_taken bigint[];
begin
  v_taken := pgq._remove_from_lane(array(
    select distinct owners[job.place]
    from (
      select row_number() over () as place, on_conflict
      from pgq._job_rows(jobs)
    ) as job
    where job.on_conflict in ('replace', 'bump', 'merge')
      and not was_created[job.place]
  ));
  for v_job in
    select *
    from (
      select row_number() over () as place, job.unique_key, job.on_conflict, job.unique_while,
        job.max_wait,
        row(null, stored.*)::pgq.jobs as stored
      from pgq._job_rows(jobs) as job
      cross join lateral pgq._new_job(job, v_backoffs -> job.backoff, now_at) as stored
    ) as keyed
    where keyed.on_conflict in ('replace', 'bump', 'merge')
      and not was_created[keyed.place]
    order by keyed.unique_key collate "C", keyed.place
  loop
    if owners[v_job.place] = any(v_taken) then
      perform pgq._replace_or_bump_job(
        owners[v_job.place], v_job.stored, v_job.on_conflict,
        v_job.unique_while, v_job.max_wait, now_at
      );
    elsif not pgq._still_owns_key(owners[v_job.place], v_job.unique_key, now_at) then
      raise exception 'the owner of a unique_key no longer has it'
        using errcode = 'JQ007',
              hint = 'enqueue_many() tries again.';
    elsif v_job.on_conflict = 'merge' then
      perform pgq._owner_or_error(owners[v_job.place], v_job.unique_key, 'raise');
    end if;
  end loop;
  perform pgq._place_in_lane(v_taken, now_at);
end
$$;

comment on function pgq._replace_or_bump_owners is
  'Replace or bump the owners of unique keys that an enqueue_many call met.';
