/*
 * What is wrong with the options of a job that concern other jobs, as message and hint.
 *
 * Plain SQL without settings, so that it is inlined: enqueue_many asks it once per job.
 */
create or replace function pgq._coordination_problem(given pgq.job_options, last_id bigint)
  returns text[]
  language sql
  stable
as $$
  select case
    when given.concurrency_key = '' then array[
      'concurrency_key is empty', 'Leave it out for a job without a semaphore.']
    when pg_catalog.length(given.concurrency_key) > 512 then array[
      'concurrency_key is longer than 512 characters', 'Pass a hash of it.']
    when given.concurrency_key is null and pg_catalog.num_nonnulls(
      given.concurrency_limit, given.concurrency_duration, given.concurrency_weight,
      given.concurrency_on_conflict, given.concurrency_order
    ) > 0 then array[
      'a concurrency option is given without concurrency_key', 'Pass a concurrency_key too.']
    when not given.concurrency_limit between 1 and 1000000 then array[
      pg_catalog.format('concurrency_limit is %s', given.concurrency_limit),
      'Pass 1 up to 1000000.']
    when not given.concurrency_weight between 1 and coalesce(given.concurrency_limit, 1) then array[
      pg_catalog.format('concurrency_weight is %s', given.concurrency_weight),
      'Pass 1 up to the concurrency_limit.']
    when not pg_catalog.isfinite(given.concurrency_duration)
      or not given.concurrency_duration between interval '1 second' and interval '1 year'
      then array[
      'concurrency_duration is under a second, infinite or over a year',
      'Pass an interval such as 15 minutes, or nothing.']
    when given.concurrency_on_conflict not in ('block', 'discard') then array[
      pg_catalog.format('concurrency_on_conflict is %s', given.concurrency_on_conflict),
      'Pass block or discard.']
    when given.concurrency_order not in ('continue', 'block') then array[
      pg_catalog.format('concurrency_order is %s', given.concurrency_order),
      'Pass what a failed job does: continue (the next job runs) or block (none does).']
    when given.concurrency_order is not null and (given.concurrency_limit > 1
      or given.concurrency_duration is not null or given.concurrency_on_conflict = 'discard')
      then array[
      'concurrency_order is given with a limit over 1, a duration or discard',
      'In strict order one job runs at a time, and none gives way: leave the other options out.']
    when given.concurrency_order is not null and given.depends_on <> '{}' then array[
      'both depends_on and concurrency_order are given',
      'Its place in the order might contradict its parents: let the last of them enqueue it.']
    when given.concurrency_order is not null and given.on_conflict in ('replace', 'merge')
      then array['both concurrency_order and on_conflict => ' || given.on_conflict || ' are given',
      'A job in strict order is not replaced: pass another on_conflict, or no order.']
    when given.on_parent_failure not in ('cancel', 'run', 'wait') then array[
      pg_catalog.format('on_parent_failure is %s', given.on_parent_failure),
      'Pass cancel, run or wait.']
    when given.on_parent_failure is not null and given.depends_on is null then array[
      'on_parent_failure is given without depends_on', 'Pass depends_on too.']
    when given.on_conflict in ('replace', 'merge') and given.depends_on <> '{}' then array[
      pg_catalog.format('both depends_on and on_conflict => %s are given', given.on_conflict),
      'A job that is replaced keeps its parents: leave out one of the two.']
    when given.partition_key = '' or pg_catalog.length(given.partition_key) > 512 then array[
      'partition_key is empty or longer than 512 characters', 'Pass a tenant, such as its id.']
    when pg_catalog.cardinality(given.depends_on) > 10000 then array[
      'depends_on names more than 10000 jobs', 'Let further jobs depend on parts of them.']
    when pg_catalog.cardinality(given.declared) > 100 then array[
      'declared names more than 100 options', 'Name those that are the defaults of the task.']
    when pg_catalog.array_ndims(given.depends_on) > 1 then array[
      'depends_on is not a list of jobs', 'Pass their ids in an array of one dimension.']
    when given.depends_on is not null and not last_id >= all(given.depends_on)
      or 1 > any(given.depends_on)
      or pg_catalog.array_position(given.depends_on, null) is not null then array[
      'depends_on names a job that does not exist', 'Enqueue the parents first.']
  end
$$;

comment on function pgq._coordination_problem is
  'What is wrong with the options of a job that concern other jobs, as message and hint.';
