/*
 * How long to wait after a failed attempt, the first being 1.
 *
 * Jitter only shortens the delay, so a cap or an explicit delay is never exceeded. The exponent is
 * bounded before it is used, so no attempt number overflows.
 */
create or replace function pgq._backoff_delay(backoff jsonb, attempt bigint)
  returns interval
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
      with rule as (
        select coalesce(
          backoff,
          '{"kind": "exponential", "base": 2, "cap": 3600, "jitter": 0.1}'::jsonb
        ) as it
      ),
      delay as (
        select case it ->> 'kind'
            when 'constant' then (it ->> 'base')::double precision
            when 'linear' then (it ->> 'base')::double precision * attempt
            when 'exponential'
            then (it ->> 'base')::double precision * 2 ^ least(attempt - 1, 40)
            else (
              it -> 'delays' ->> (least(attempt, jsonb_array_length(it -> 'delays')) - 1)::integer
            )::double precision
          end as seconds,
          case when it ->> 'kind' <> 'list' then (it ->> 'cap')::double precision end as cap,
          (it ->> 'jitter')::double precision as jitter
        from rule
      )
      select make_interval(
        secs => least(seconds, cap)
          * (1 - jitter * random())
      )
      from delay
  );
end
$$;

comment on function pgq._backoff_delay is 'How long to wait after a failed attempt.';
