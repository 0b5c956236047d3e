/*
 * End what start_cron() began; answer false when there is nothing to end. A run that has begun
 * ends within its minute.
 */
create or replace function pgq.stop_cron()
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_id bigint;
begin
  if not exists (select from pg_extension where extname = 'pg_cron')
    or not has_schema_privilege('cron', 'usage')
  then
    return false;
  end if;
  v_id := (
    select jobid
    from cron.job
    where jobname = to_regnamespace('pgq')::text and username = current_user
  );
  if v_id is null then
    return false;
  end if;
  perform cron.unschedule(v_id);
  perform pgq._audit_call('stop_cron', v_id::text);
  return true;
end
$$;

comment on function pgq.stop_cron is
  'End what start_cron() began; answers false when there is nothing to end.';
