/*
 * locks
 *   when: somebody else holds an advisory lock of a queue, semaphore or batch
 *   do: end that session or prepared transaction, by the statement in the hint
 *
 * Health: whether somebody else holds one of our advisory locks, which any role may take. We hold
 * them for as long as a promotion or a claim takes, together with a lock on one of our tables. If
 * somebody else holds one, jobs that need it wait, and nothing else shows why.
 */
create or replace function pgq._health_locks()
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with ours as (
    select 'queue ' || queue.name as what,
      hashtextextended(queue.name, 'pgq.queues'::regclass::oid::bigint) as key
    from pgq.queues as queue
    union all
    select 'semaphore ' || waiting.concurrency_key,
      hashtextextended(waiting.concurrency_key, 'pgq.slots'::regclass::oid::bigint)
    from (
      select concurrency_key from pgq.blocked where not has_parents
      union
      select concurrency_key from pgq.releases where concurrency_key is not null
    ) as waiting
    union all
    select 'batch ' || batch.id, pgq._batch_lock_key(batch.id, lock.kind)
    from pgq.batches as batch
    cross join unnest(array['join', 'check']) as lock (kind)
    where batch.finished_at is null
  ),
  strange as (
    select ours.what, held.holder, held.cure
    from pgq._advisory_lock_holders() as held
    join ours on ours.key = held.key
    where not held.is_brief
  )
  select 'locks', pgq._status_above(count(*), 0, 'infinity'), count(*)::double precision,
    case count(*)
      when 0 then 'nobody else holds an advisory lock of pgq'
      else 'others hold advisory locks of pgq: ' || pgq._list_briefly(array_agg(
        format('%s by %s', what, holder) order by what, holder))
    end,
    (array_agg(cure order by what, holder))[1],
    'Jobs that need these locks wait, and nothing else shows why.'
  from strange
$$;

comment on function pgq._health_locks is
  'Health: whether somebody else holds one of our advisory locks.';
