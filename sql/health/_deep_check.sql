/*
 * One of the deep checks. If it may not run, because an object that it needs belongs to another
 * role, it says so and does not hide the other checks.
 */
create or replace function pgq._deep_check(check_name text, now_at timestamptz, max_age interval)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  case check_name
    when 'invariants' then return query select * from pgq._health_invariants();
    when 'versions' then return query select * from pgq._health_versions(now_at, max_age);
    when 'snapshots' then return query select * from pgq._health_snapshots(now_at);
    when 'vacuum' then return query select * from pgq._health_vacuum(now_at);
    when 'wraparound' then return query select * from pgq._health_wraparound();
    when 'objects' then return query select * from pgq._health_objects(now_at);
    when 'drift' then return query select * from pgq._health_drift();
    when 'locks' then return query select * from pgq._health_locks();
    when 'clocks' then return query select * from pgq._health_clocks(now_at, max_age);
    when 'replication_slots' then return query select * from pgq._health_replication_slots();
    when 'extension' then return query select * from pgq._health_extension();
    when 'definers' then return query select * from pgq._health_definers();
    when 'publications' then return query select * from pgq._health_publications();
    when 'server' then return query select * from pgq._health_server();
  end case;
exception
  when insufficient_privilege then
    return query
    select check_name, 'fail', null::double precision, sqlerrm,
      'As a superuser: pgq migrate --repair',
      'A check may not run, because something in the schema belongs to another role.';
end
$$;

comment on function pgq._deep_check is 'One of the deep checks of health(); it never fails itself.';
