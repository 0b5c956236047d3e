create or replace function pgq._check_claim_arguments(
  selectors text[],
  tasks text[],
  batch_size bigint
)
  returns void
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if batch_size not between 1 and 10000 then
    raise exception 'batch_size is %', batch_size
      using errcode = 'JQ002',
            hint = 'Pass 1 up to 10000; do not claim while every slot is busy.';
  end if;
  if array_ndims(selectors) is distinct from 1 or array_position(selectors, null) is not null then
    raise exception 'queues are not a list of names'
      using errcode = 'JQ002',
            hint = 'Pass exact names, prefix* or *, best first.';
  end if;
  if cardinality(selectors) > 1000 or cardinality(tasks) > 10000 then
    perform pgq._check_count(cardinality(selectors), 'queues', 1000);
    perform pgq._check_count(cardinality(tasks), 'tasks', 10000);
  end if;
end
$$;

comment on function pgq._check_claim_arguments is
  'Raise for queues or a batch size that cannot be claimed.';
