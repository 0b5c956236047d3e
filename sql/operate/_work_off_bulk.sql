/*
 * Do one page of the bulk operation that has waited for the longest, or of that one; answers how
 * many jobs it has asked, or null: none is due, or others are at it.
 *
 * A page that fails changes nothing but the error of its operation. It is tried again in ten
 * seconds, and the fifth time in a row ends the operation; others go on. Only a transaction that
 * sees what others commit can pass over what they hold.
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
  'Do one page of the bulk operation that has waited for the longest, or of that one.';
