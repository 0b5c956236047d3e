/*
 * How many jobs are failed now with each of some errors in a task, in a queue or, if that is null,
 * in all of them: counted up to most. An index leads to just these jobs.
 *
 * It counts all in one statement, and the session keeps its plan, because to plan it and to start
 * it for each day of the history costs more than to count. There are two statements because no
 * index is searched by a queue that may be null.
 */
create or replace function pgq._count_failed(
  fingerprints text[],
  tasks text[],
  queue text,
  most bigint
)
  returns table (fingerprint text, task text, jobs bigint)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
begin
  if cardinality(fingerprints) = 0 then
    return;
  elsif _count_failed.queue is null then
    return query
    select asked.fingerprint, asked.task, (
        select count(*)
        from (
          select
          from pgq.job_history as past
          where past.state = 'failed'
            and past.errors -> -1 ->> 'fingerprint' = asked.fingerprint
            and past.task = asked.task
          limit most
        ) as failed
      )
    from unnest(fingerprints, tasks) as asked (fingerprint, task);
  else
    return query
    select asked.fingerprint, asked.task, (
        select count(*)
        from (
          select
          from pgq.job_history as past
          where past.state = 'failed'
            and past.errors -> -1 ->> 'fingerprint' = asked.fingerprint
            and past.task = asked.task
            and past.queue = _count_failed.queue
          limit most
        ) as failed
      )
    from unnest(fingerprints, tasks) as asked (fingerprint, task);
  end if;
end
$$;

comment on function pgq._count_failed is
  'How many jobs are failed now with each of some errors, counted up to a number.';
