/*
 * The shards: whether each answers, and whether it takes the slots that this router sends it.
 */
create or replace function pgq._every_shard()
  returns table (shard bigint, database text, slots bigint, is_current boolean, no_answer text)
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_fleet pgq.fleet;
  v_known record;
begin
  select * into v_fleet from pgq.fleet;
  for v_known in select * from pgq.shard_parts order by number loop
    shard := v_known.number;
    database := v_known.database;
    slots := cardinality(array_positions(v_fleet.owners, v_known.number));
    is_current := null;
    no_answer := null;
    begin
      select said.spread = v_fleet.spread
        and array_positions(said.owners, v_known.number)
          = array_positions(v_fleet.owners, v_known.number)
      into is_current
      from pgq._shard_map_at(v_known.part) as said;
    exception
      when others then
        if not pgq._is_down(sqlstate, sqlerrm) then
          perform pgq._raise_of_shard(v_known.number, sqlstate, sqlerrm, '', '');
        end if;
        no_answer := pgq._said(sqlerrm);
    end;
    return next;
  end loop;
end
$$;

comment on function pgq._every_shard is 'The shards: whether each answers, and is as known here.';

create or replace view pgq.shards as
select * from pgq._every_shard();

comment on view pgq.shards is
  'The shards; is_current: it takes the slots that this router sends it. If not: refresh_shards().';
