/*
 * Whether a worker is one of the first three idle ones that no operator has ordered anything. These
 * do what one of many must do in time. The others follow a little later.
 */
create or replace function pgq._is_first_idle(worker_id bigint)
  returns boolean
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select count(*) < 3
  from (
    select from pgq.workers as other
    where other.idle
      and other.id < _is_first_idle.worker_id
      and not exists (select from pgq.worker_orders as told where told.worker_id = other.id)
    order by other.id
    limit 3
  ) as before
$$;

comment on function pgq._is_first_idle is 'Whether a worker is one of the first three idle ones.';
