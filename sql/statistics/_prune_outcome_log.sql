/*
 * Delete up to batch_size outcomes that were noted over an hour ago; return how many. From then on
 * older cursors are refused.
 */
create or replace function pgq._prune_outcome_log(batch_size bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_last bigint;
  v_count bigint;
begin
  -- Maintenance does not wait for somebody who changes a setting.
  perform from pgq.settings for update skip locked;
  if not found then
    return 0;
  end if;
  with gone as (
    delete from pgq.outcome_log
    where id in (
      select old.id
      from (select id, noted_at from pgq.outcome_log order by id limit batch_size) as old
      where old.noted_at < pgq._now() - interval '1 hour'
    )
    returning id
  )
  select max(gone.id), count(*) into v_last, v_count from gone;
  if v_count > 0 then
    update pgq.settings set followed_from = v_last where followed_from < v_last;
  end if;
  return v_count;
end
$$;

comment on function pgq._prune_outcome_log is 'Delete outcomes that were noted over an hour ago.';
