/*
 * Raise if the transaction has one snapshot for all its statements: it would not count the jobs
 * that others have claimed since it began.
 */
create or replace function pgq._refuse_old_snapshot(queue text)
  returns void
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    raise exception 'queue % has limits: it cannot be claimed from in a % transaction',
      queue, current_setting('transaction_isolation')
      using errcode = 'JQ002',
            hint = 'Claim in a read committed transaction.';
  end if;
end
$$;

comment on function pgq._refuse_old_snapshot is
  'Raise if the transaction has one snapshot for all its statements.';
