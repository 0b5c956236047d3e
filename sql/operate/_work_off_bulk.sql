/*
 * Do one page of a bulk operation: of the given one, or of the one that has waited for the
 * longest. Return how many jobs were tried. Null says that none is due, or that other sessions are
 * doing it.
 *
 * If a page fails, only the error is stored. It is tried again in ten seconds, and after five
 * failures in a row the operation ends; other operations go on. The transaction must see what
 * others commit, or it could not pass over what they hold.
 */
create or replace function pgq._work_off_bulk(most bigint, operation_id bigint default null)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_operation pgq.bulk_operations;
begin
  if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
    return null;
  end if;
  select *
  into v_operation
  from pgq.bulk_operations
  where due_at <= v_now
    and (operation_id is null or id = operation_id)
  order by due_at, id
  limit 1
  for update skip locked;
  if v_operation.id is null then
    return null;
  end if;
  begin
    return pgq._work_off_page(v_operation, most);
  exception
    when others then
      update pgq.bulk_operations
      set failures = failures + 1,
          error = format('%s: %s', sqlstate, left(sqlerrm, 1000)),
          due_at = case when failures < 4 then v_now + interval '10 seconds' end,
          ended_at = case when failures >= 4 then v_now end,
          ending = case when failures >= 4 then 'failed' end
      where id = v_operation.id;
      return 0;
  end;
end
$$;

comment on function pgq._work_off_bulk is
  'Do one page of a bulk operation; answers how many jobs were tried.';
