/*
 * The end of an idle worker's turn in which it found no job: do what nobody else does of the
 * maintenance, and say when to come again, at the latest.
 *
 * The first three idle workers come when the next job is due. They call maintain() on another
 * session if a bulk operation waits, or a step with a long period. Others do so if that is late.
 *
 * A worker that saw a session end comes again when its owner is dead.
 */
create or replace function pgq._care(
  worker_id bigint,
  inout next_due_at timestamptz,
  maintains boolean,
  is_quiet boolean,
  out failed_steps text[],
  out must_maintain boolean
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_is_first constant boolean := (
    select count(*) < 3
    from (
      select from pgq.workers as other
      where other.idle and other.id < _care.worker_id
      order by other.id
      limit 3
    ) as before
  );
  v_steps text[];
  v_has_looked boolean;
  v_dead_at timestamptz;
begin
  if not v_is_first and _care.next_due_at > v_now then
    next_due_at := null;
  end if;
  if not _care.maintains then
    return;
  end if;
  v_steps := pgq._spare_steps(_care.worker_id, is_quiet, v_now);
  select array_agg(done.step) filter (where done.affected is null), bool_or(done.step = 'rescue')
  into failed_steps, v_has_looked
  from pgq._run_due_steps(v_steps) as done
  where cardinality(v_steps) > 0;
  if v_has_looked and pg_relation_size('pgq.ended_sessions'::regclass) > 0 then
    select min(ended.seen_at) + interval '2.01 seconds'
    into v_dead_at
    from pgq.ended_sessions as ended
    join pgq.workers as worker
      on worker.id = ended.worker_id and worker.backend_pid = ended.backend_pid
    where ended.seen_at > greatest(worker.heartbeat_at, v_now - interval '2 seconds');
    update pgq.maintenance set due_at = least(due_at, v_dead_at) where step = 'rescue';
    next_due_at := least(next_due_at, v_dead_at);
  end if;
  must_maintain := exists (
    select from pgq.maintenance as due
    where due.every >= interval '1 hour'
      and due.due_at <= case when v_is_first then v_now else v_now - interval '1 minute' end
  ) or pg_relation_size('pgq.bulk_operations'::regclass) > 0 and exists (
    select from pgq.bulk_operations as waiting
    where waiting.due_at <= case when v_is_first then v_now else v_now - interval '2 seconds' end
  );
end
$$;

comment on function pgq._care is
  'The end of an idle worker''s turn: maintenance that nobody else does, and when to come again.';
