/*
 * Put the rows of stat_ticks together if they are many. The caller has locked stat_folds, and its
 * snapshot is not older than that.
 */
create or replace function pgq._fold_ticks()
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if (select count(*) > 100 from (select from pgq.stat_ticks limit 101) as few) then
    with taken as (
      delete from pgq.stat_ticks
      where ctid = any(array(select ctid from pgq.stat_ticks limit 20000))
      returning *
    )
    insert into pgq.stat_ticks (outcome, ticks)
    select outcome, sum(ticks) from taken group by outcome;
  end if;
end
$$;

comment on function pgq._fold_ticks is 'Put the rows of stat_ticks together if they are many.';
