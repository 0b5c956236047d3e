/*
 * Lock the live parents of these jobs; return the other parents: ended, unknown, or just ending.
 *
 * The lock is for share. So the transaction that ends a parent, which deletes its row, either comes
 * before this, or sees the child afterwards. "for key share" would wait, in spite of skip locked,
 * for a row that a failing attempt has updated and then deleted.
 */
create or replace function pgq._lock_parents_return_others(children bigint[])
  returns bigint[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  return array(
    select parent_id
    from (
      select parent_id from pgq.dependencies where child_id = any(children)
      offset 0  -- else the planner may read all parents in their order
    ) as edge
    except
    select *
    from (
      select id from pgq.jobs where id = any(array(
        select parent_id from pgq.dependencies where child_id = any(children)
      ))
      order by id
      for share skip locked
    ) as held
  );
end
$$;

comment on function pgq._lock_parents_return_others is
  'Lock the live parents of these jobs; return the other ones.';
