/*
 * The semaphores whose best waiter has waited since before waiting_since, and no holder of which
 * began after that: they have 0 slots, their holders may hang, or a failed job blocks its key. It
 * reads a hundred semaphores that have waiters, by one index probe each.
 */
create or replace function pgq._stuck_semaphores(waiting_since timestamptz)
  returns table (concurrency_key text, waits_since timestamptz, why text, cure text)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_waiter record;
  v_held record;
  v_key text := '';
begin
  for i in 1..100 loop
    select lane.concurrency_key as key, (
        select greatest(job.created_at, job.run_at) from pgq.jobs as job where job.id = lane.job_id
      ) as since
    into v_waiter
    from pgq.blocked as lane
    where lane.concurrency_key > v_key
      and not lane.has_parents
    order by lane.concurrency_key, lane.priority, lane.waiting_xid, lane.job_id
    limit 1;
    exit when not found;
    v_key := v_waiter.key;
    continue when v_waiter.since >= waiting_since;
    select count(*) as holders, min(slot.job_id) as job_id,
      max(coalesce(claim.claimed_at, lane.ready_at, later.run_at)) as since,
      bool_or(slot.in_order is not null and live.id is null) as has_failed,
      bool_or(slot.in_order is not null) as in_order
    into v_held
    from pgq.slots as slot
    left join pgq.running as claim on claim.job_id = slot.job_id
    left join pgq.ready as lane on lane.job_id = slot.job_id
    left join pgq.scheduled as later on later.job_id = slot.job_id
    left join pgq.jobs as live on live.id = slot.job_id
    where slot.concurrency_key = v_key;
    continue when v_held.since >= waiting_since;
    concurrency_key := v_key;
    waits_since := v_waiter.since;
    if v_held.has_failed then
      why := format('blocked by job %s, which failed', v_held.job_id);
      cure := format('Repair the cause, then: select * from pgq.retry(array[%s]); or pass it over: '
        'select pgq.release_semaphore(%L);', v_held.job_id, v_key);
      return next;
    elsif v_held.holders > 0 then
      why := format('held by job %s', v_held.job_id);
      cure := format(
        'See what job %1$s does; if it hangs: ' || case
          when v_held.in_order then 'select * from pgq.cancel(array[%1$s]);'
          else 'select pgq.release_semaphore(%2$L);'
        end, v_held.job_id, v_key);
      return next;
    elsif exists (
      select from pgq.semaphores as set_to
      where set_to.concurrency_key = v_key and max_slots = 0 and paused_at is null
    ) then
      why := 'it has 0 slots';
      cure := format('If it was not meant: select pgq.configure_semaphore(%L, null);', v_key);
      return next;
    end if;
  end loop;
end
$$;

comment on function pgq._stuck_semaphores is
  'The semaphores that have waiters since then, and no new holder.';
