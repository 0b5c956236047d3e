/*
 * The queues that selectors name, without paused ones, a row per selector. An exact name is that
 * queue; a pattern selects the queues that have ready jobs. If two selectors name a queue, the
 * first one gets it.
 */
create or replace function pgq._claimable_queues(selectors text[], now_at timestamptz)
  returns table (rank bigint, names text[])
  language plpgsql
  stable
  rows 1
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_paused constant text[] := array(
    select name
    from pgq.queues
    where paused_at is not null
      and (paused_until is null or paused_until > now_at)
  );
  v_ready text[];
  v_seen text[] := '{}';
  v_selector text;
begin
  rank := 0;
  foreach v_selector in array selectors loop
    rank := rank + 1;
    if right(v_selector, 1) = '*' then
      if v_ready is null then
        v_ready := array(select pgq._ready_queues());
      end if;
      names := case
        when v_selector = '*' and cardinality(v_seen || v_paused) = 0 then v_ready
        else array(
          select queue
          from unnest(v_ready) as queue
          where pgq._selector_matches(v_selector, queue)
            and queue <> all(v_seen || v_paused)
        )
      end;
      continue when cardinality(names) = 0;
    else
      continue when v_selector = any(v_seen || v_paused);
      names := array[v_selector];
    end if;
    v_seen := v_seen || names;
    return next;
  end loop;
end
$$;

comment on function pgq._claimable_queues is
  'The queues that selectors name, without paused ones, a row per selector.';
