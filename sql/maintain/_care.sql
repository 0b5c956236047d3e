/*
 * The end of an idle worker's turn in which it found no job: do what nobody else does of the
 * maintenance, and say when to come again, at the latest.
 *
 * The first three idle workers come when the next job is due, and within a second while jobs run,
 * because who runs them may die. They call maintain() on another session if a bulk operation waits,
 * or a step with a long period. Others do so if that is late.
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
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_is_first boolean;
  v_todo record;
begin
  if not is_quiet then
    v_is_first := pgq._is_first_idle(worker_id);
    if _care.next_due_at > v_now and not v_is_first then
      next_due_at := null;
    end if;
    if v_is_first
      and (pg_relation_size('pgq.running'::regclass) > 131072 or exists (select from pgq.running))
    then
      next_due_at := least(next_due_at, v_now + interval '1 second');
    end if;
  end if;
  if not _care.maintains then
    return;
  end if;
  v_todo := pgq._spare_steps(is_quiet, v_now);
  if v_todo.steps is not null then
    failed_steps := array(
      select done.step from pgq._run_due_steps(v_todo.steps) as done where done.affected is null
    );
  end if;
  must_maintain := v_todo.long_due_at is not null and (
    v_todo.long_due_at <= v_now - interval '1 minute'
    or coalesce(v_is_first, pgq._is_first_idle(worker_id))
  ) or pg_relation_size('pgq.bulk_operations'::regclass) > 0 and exists (
    select from pgq.bulk_operations as waiting
    where waiting.due_at <= pgq._add_interval(v_now, case
      when coalesce(v_is_first, pgq._is_first_idle(worker_id)) then interval '0'
      else interval '-2 seconds'
    end)
  );
end
$$;

comment on function pgq._care is
  'The end of an idle worker''s turn: maintenance that nobody else does, and when to come again.';
