/*
 * How many jobs of a batch are in the history in a state, up to most of them.
 */
create or replace function pgq._count_ended(batch_id bigint, state text, most bigint)
  returns bigint
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (
    select count(*)
    from (
      select
      from pgq.job_history as past
      where past.batch_id = _count_ended.batch_id
        and past.state = _count_ended.state
      limit most
    ) as counted
  );
end
$$;

comment on function pgq._count_ended is
  'How many jobs of a batch are in the history in a state, up to most of them.';
