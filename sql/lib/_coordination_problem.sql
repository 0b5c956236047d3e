/*
 * What is wrong with the options of a job that concern other jobs, as message and hint.
 *
 * Plain SQL without settings, so that it is inlined: enqueue_many asks it once per job.
 */
create or replace function pgq._coordination_problem(
  concurrency_key text,
  concurrency_limit bigint,
  concurrency_duration interval,
  concurrency_weight bigint,
  concurrency_on_conflict text,
  depends_on bigint[],
  on_parent_failure text,
  partition_key text,
  last_id bigint,
  on_conflict text
)
  returns text[]
  language sql
  stable
as $$
  select case
    when concurrency_key = '' then array[
      'concurrency_key is empty', 'Leave it out for a job without a semaphore.']
    when pg_catalog.length(concurrency_key) > 512 then array[
      'concurrency_key is longer than 512 characters', 'Pass a hash of it.']
    when concurrency_key is null and pg_catalog.num_nonnulls(
      concurrency_limit, concurrency_duration, concurrency_weight, concurrency_on_conflict
    ) > 0 then array[
      'a concurrency option is given without concurrency_key', 'Give a concurrency_key too.']
    when not concurrency_limit between 1 and 1000000 then array[
      pg_catalog.format('concurrency_limit is %s', concurrency_limit), 'Pass 1 up to 1000000.']
    when not concurrency_weight between 1 and coalesce(concurrency_limit, 1) then array[
      pg_catalog.format('concurrency_weight is %s', concurrency_weight),
      'Pass 1 up to the concurrency_limit.']
    when not pg_catalog.isfinite(concurrency_duration)
      or not concurrency_duration between interval '1 second' and interval '1 year' then array[
      'concurrency_duration is under a second, infinite or over a year',
      'Pass an interval such as 15 minutes, or nothing.']
    when concurrency_on_conflict not in ('block', 'discard') then array[
      pg_catalog.format('concurrency_on_conflict is %s', concurrency_on_conflict),
      'Pass block or discard.']
    when on_parent_failure not in ('cancel', 'run', 'wait') then array[
      pg_catalog.format('on_parent_failure is %s', on_parent_failure),
      'Pass cancel, run or wait.']
    when on_parent_failure is not null and depends_on is null then array[
      'on_parent_failure is given without depends_on', 'Give depends_on too.']
    when on_conflict = 'replace' and depends_on <> '{}' then array[
      'both depends_on and on_conflict => replace are given',
      'A job that is replaced keeps its parents: leave out one of the two.']
    when partition_key = '' or pg_catalog.length(partition_key) > 512 then array[
      'partition_key is empty or longer than 512 characters', 'Pass a tenant, such as its id.']
    when pg_catalog.cardinality(depends_on) > 10000 then array[
      'depends_on names more than 10000 jobs', 'Let jobs in between collect them.']
    when pg_catalog.array_ndims(depends_on) > 1 then array[
      'depends_on is not a list of jobs', 'Pass their ids in an array of one dimension.']
    when depends_on is not null and not last_id >= all(depends_on) or 1 > any(depends_on)
      or pg_catalog.array_position(depends_on, null) is not null then array[
      'depends_on names a job that does not exist', 'Enqueue the parents first.']
  end
$$;

comment on function pgq._coordination_problem is
  'What is wrong with the options of a job that concern other jobs, as message and hint.';
