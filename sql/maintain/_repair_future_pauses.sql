/*
 * Let pauses that begin in the future, by a clock that was ahead, begin now, up to batch_size of
 * each kind. They last as long as they were meant to.
 */
create or replace function pgq._repair_future_pauses(
  batch_size bigint,
  now_at timestamptz,
  ahead timestamptz
)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set timezone = 'UTC'
as $$
declare
  v_queues bigint;
  v_others bigint;
  v_semaphores bigint;
begin
  update pgq.queues
  set paused_until = paused_until - (paused_at - now_at),
      paused_at = now_at
  where name = any(array(
    select name from pgq.queues where paused_at > ahead order by name limit batch_size
    for update skip locked));
  get diagnostics v_queues = row_count;

  update pgq.pauses
  set paused_until = paused_until - (paused_at - now_at),
      paused_at = now_at
  where ctid = any(array(
    select ctid from pgq.pauses where paused_at > ahead order by kind, queue, name limit batch_size
    for update skip locked));
  get diagnostics v_others = row_count;

  update pgq.semaphores
  set paused_until = paused_until - (paused_at - now_at),
      paused_at = now_at
  where concurrency_key = any(array(
    select concurrency_key from pgq.semaphores where paused_at > ahead
    order by concurrency_key limit batch_size
    for update skip locked));
  get diagnostics v_semaphores = row_count;
  return v_queues + v_others + v_semaphores;
end
$$;

comment on function pgq._repair_future_pauses is
  'Let pauses that begin in the future, by a clock that was ahead, begin now.';
