/*
 * Change the owners of unique keys that an enqueue_many call met, all under one hold of their lane
 * rows; answer for the jobs, by place, that had to be stored after all, because their owner ended.
 */
create or replace function pgq._change_owners(
  jobs jsonb,
  owners bigint[],
  was_created boolean[],
  now_at timestamptz
)
  returns table (place bigint, id bigint, created boolean)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_job record;
  v_taken bigint[];
begin
  v_taken := pgq._take_waiting(array(
    select distinct owners[job.place]
    from pgq._job_rows(jobs) as job
    where job.on_conflict in ('replace', 'bump')
      and not was_created[job.place]
  ));
  for v_job in
    select * from pgq._keyed_jobs(jobs, now_at) as keyed
    where keyed.on_conflict in ('replace', 'bump')
      and not was_created[keyed.place]
    order by keyed.unique_key collate "C", keyed.place
  loop
    if owners[v_job.place] = any(v_taken) then
      perform pgq._change_job(owners[v_job.place], v_job.stored, v_job.on_conflict);
    elsif not exists (select from pgq.running where job_id = owners[v_job.place]) then
      return query
      select v_job.place, stored.id, stored.created
      from pgq._insert_keyed_job(v_job.stored, v_job.on_conflict, now_at) as stored;
    end if;
  end loop;
  perform pgq._put_waiting(v_taken, now_at);
end
$$;

comment on function pgq._change_owners is
  'Change the owners of unique keys that an enqueue_many call met.';
