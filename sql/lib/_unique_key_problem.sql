/*
 * What is wrong with the unique_key of a job, or with the options that go with it, as message and
 * hint.
 *
 * Plain SQL without settings, so that it is inlined: enqueue_many asks it once per job.
 */
create or replace function pgq._unique_key_problem(
  unique_key text,
  on_conflict text,
  unique_while text,
  unique_for interval
)
  returns text[]
  language sql
  stable
as $$
  select case
    when unique_key = '' then array[
      'unique_key is empty', 'Leave it out for a job that may have twins.']
    when pg_catalog.length(unique_key) > 512 then array[
      'unique_key is longer than 512 characters', 'Pass a hash of it.']
    when on_conflict not in ('return', 'raise', 'replace', 'bump', 'discard') then array[
      pg_catalog.format('on_conflict is %s', on_conflict),
      'Pass return, raise, replace, bump or discard.']
    when on_conflict is not null and unique_key is null then array[
      'on_conflict is given without unique_key', 'Give a unique_key too.']
    when pg_catalog.num_nonnulls(unique_while, unique_for) > 0 and unique_key is null then array[
      'unique_while or unique_for is given without unique_key', 'Give a unique_key too.']
    when unique_while not in ('live', 'queued') then array[
      pg_catalog.format('unique_while is %s', unique_while), 'Pass live or queued.']
    when not pg_catalog.isfinite(unique_for)
      or not unique_for between interval '1 millisecond' and interval '100 years' then array[
      'unique_for is not positive, infinite or over a hundred years',
      'Pass an interval such as 10 minutes.']
  end
$$;

comment on function pgq._unique_key_problem is
  'What is wrong with the unique_key of a job, or with the options that go with it.';
