create or replace function pgq._remember_workers()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  insert into pgq.past_workers (id, name, host, pid, started_at, left_at)
  select id, name, host, pid, started_at, pgq._now()
  from gone
  order by id
  on conflict (id) do update
  set name = excluded.name,
      host = excluded.host,
      pid = excluded.pid,
      started_at = excluded.started_at,
      left_at = excluded.left_at;
  return null;
end
$$;

comment on function pgq._remember_workers is 'Keep the names of workers that leave.';

create trigger workers_remember
  after delete on pgq.workers
  referencing old table as gone
  for each statement
  execute function pgq._remember_workers();

comment on trigger workers_remember on pgq.workers is 'Keeps the names of workers that leave.';
