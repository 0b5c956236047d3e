/*
 * Read a backoff: a kind, an interval (constant), a JSON list of delays, or a JSON object with
 * kind, base, cap and jitter. It is stored in seconds and with all its parts, so that later
 * defaults do not change it.
 */
create or replace function pgq._parse_backoff(backoff text)
  returns jsonb
  language plpgsql
  stable
  strict
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_given jsonb;
  v_kind text;
  v_base numeric;
  v_cap numeric;
  v_jitter numeric;
  v_delays numeric[];
begin
  v_given := case
    when backoff in ('constant', 'linear', 'exponential')
    then jsonb_build_object('kind', backoff)
    when left(ltrim(backoff), 1) = '['
    then jsonb_build_object('kind', 'list', 'delays', backoff::jsonb)
    when left(ltrim(backoff), 1) = '{'
    then backoff::jsonb
    else jsonb_build_object('kind', 'constant', 'base', backoff, 'jitter', 0)
  end;
  v_kind := coalesce(v_given ->> 'kind', 'exponential');
  v_base := coalesce(pgq._seconds(v_given ->> 'base'), 2);
  v_cap := coalesce(pgq._seconds(v_given ->> 'cap'), 3600);
  v_jitter := coalesce((v_given ->> 'jitter')::numeric, 0.1);
  if v_kind = 'list' then
    v_delays := array(
      select pgq._seconds(delay) from jsonb_array_elements_text(v_given -> 'delays') as delay
    );
  end if;
  if v_kind not in ('constant', 'linear', 'exponential', 'list')
    or (v_given - array['kind', 'base', 'cap', 'jitter', 'delays']) <> '{}'
    or not v_base between 0 and 31536000
    or not v_cap between 0 and 31536000
    or not v_jitter between 0 and 1
    or v_kind = 'list' and cardinality(v_delays) not between 1 and 100
    or exists (
      select from unnest(v_delays) as delay
      where delay is null or not delay between 0 and 31536000
    )
  then
    raise data_exception;
  end if;
  return jsonb_strip_nulls(jsonb_build_object(
    'kind', v_kind, 'base', v_base, 'cap', v_cap, 'jitter', v_jitter, 'delays', to_jsonb(v_delays)
  ));
exception
  when data_exception or statement_too_complex or program_limit_exceeded then
    raise exception 'backoff is not understood: %', pgq._shorten(backoff)
      using errcode = 'JQ001',
            hint = 'Pass constant, linear or exponential, an interval such as 30 seconds, a list '
              'such as ["10s", "5m"], or {"kind": "exponential", "base": "2s", "cap": "1h", '
              '"jitter": 0.1}; delays are at most a year.';
end
$$;

comment on function pgq._parse_backoff is 'Read a backoff, or say how to write one.';
