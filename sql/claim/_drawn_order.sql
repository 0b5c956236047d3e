/*
 * Selectors in an order that is drawn anew for each claim: each is the first one as often as its
 * share of all shares says, then each of the others, and so on. (The times until the next events
 * of several independent sources have this order.)
 */
create or replace function pgq._drawn_order(selectors text[], shares bigint[])
  returns text[]
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if array_ndims(shares) is distinct from 1 or cardinality(shares) <> cardinality(selectors)
    or exists (select from unnest(shares) as share where share not between 1 and 10000)
    or array_position(shares, null) is not null
  then
    raise exception 'shares are not a number for each queue'
      using errcode = 'JQ002',
            hint = 'Pass as many numbers from 1 to 10000 as there are queues.';
  end if;
  return array(
    select selector
    from unnest(selectors, shares) as wanted (selector, share)
    order by -ln(1 - random()) / share
  );
end
$$;

comment on function pgq._drawn_order is
  'Selectors in an order that is drawn anew for each claim, by their shares.';
