/*
 * What is wrong with the unique_key of a job, or with the options that go with it, as message and
 * hint.
 *
 * Plain SQL without settings, so that it is inlined: enqueue_many asks it once per job.
 */
create or replace function pgq._unique_key_problem(given pgq.job_options)
  returns text[]
  language sql
  stable
as $$
  select case
    when given.unique_key = '' then array[
      'unique_key is empty', 'Leave it out if several such jobs may be live.']
    when pg_catalog.length(given.unique_key) > 512 then array[
      'unique_key is longer than 512 characters', 'Pass a hash of it.']
    when given.on_conflict not in (
      'return', 'raise', 'replace', 'bump', 'discard', 'merge'
    ) then array[
      pg_catalog.format('on_conflict is %s', given.on_conflict),
      'Pass return, raise, replace, bump, discard or merge.']
    when given.unique_by <> 'args' then array[
      pg_catalog.format('unique_by is %s', given.unique_by), 'Pass args, or a unique_key instead.']
    when given.unique_by is not null and given.unique_key is not null
      and 'unique_by' <> all(coalesce(given.declared, '{}')) then array[
      'both unique_by and unique_key are given', 'Pass only one of them.']
    when given.on_conflict is not null
      and pg_catalog.num_nonnulls(given.unique_key, given.unique_by) = 0 then array[
      'on_conflict is given without unique_key', 'Pass a unique_key too.']
    when pg_catalog.num_nonnulls(given.unique_while, given.unique_for) > 0
      and pg_catalog.num_nonnulls(given.unique_key, given.unique_by) = 0 then array[
      'unique_while or unique_for is given without unique_key', 'Pass a unique_key too.']
    when given.unique_while not in ('live', 'queued') then array[
      pg_catalog.format('unique_while is %s', given.unique_while), 'Pass live or queued.']
    when not pg_catalog.isfinite(given.unique_for)
      or not given.unique_for between interval '1 millisecond' and interval '100 years' then array[
      'unique_for is not positive, infinite or over a hundred years',
      'Pass an interval such as 10 minutes.']
    when not pg_catalog.isfinite(given.max_wait)
      or not given.max_wait between interval '1 millisecond' and interval '100 years' then array[
      'max_wait is not positive, infinite or over a hundred years',
      'Pass an interval such as 10 minutes.']
    when given.max_wait is not null
      and coalesce(given.on_conflict, '') not in ('replace', 'merge') then array[
      'max_wait is given without on_conflict => replace or merge',
      'Only these put a waiting job off.']
    when given.on_conflict = 'merge' and not pgq._args_are_named(given.args) then array[
      'on_conflict is merge, but the args have no names', 'Pass an object, such as {"ids": [17]}.']
  end
$$;

comment on function pgq._unique_key_problem is
  'What is wrong with the unique_key of a job, or with the options that go with it.';
