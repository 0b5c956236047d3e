/*
 * What is wrong with the limits of a queue, as message and hint; null: nothing.
 */
create or replace function pgq._limits_problem(
  max_running bigint,
  rate_limit bigint,
  rate_interval interval,
  rate_burst bigint
)
  returns text[]
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when not max_running between -1 and 1000000000 then array[
      format('max_running is %s', max_running),
      'Pass 0 (nothing is claimed) up to 1000000000, or -1 for no limit.']
    when not rate_limit between -1 and 1000000000 then array[
      format('rate_limit is %s', rate_limit),
      'Pass 0 (nothing is claimed) up to 1000000000, or -1 for no limit.']
    when rate_burst <> -1 and not rate_burst between 1 and 1000000000 then array[
      format('rate_burst is %s', rate_burst),
      'Pass 1 up to 1000000000, or -1 for as many as rate_limit.']
    when not isfinite(rate_interval)
      or not rate_interval between interval '1 millisecond' and interval '1 year' then array[
      'rate_interval is under a millisecond, infinite or over a year',
      'Pass an interval such as 1 minute.']
  end;
end
$$;

comment on function pgq._limits_problem is
  'What is wrong with the limits of a queue, as message and hint.';
