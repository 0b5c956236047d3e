/*
 * Wake an idle worker when there are jobs to promote. The payload is empty, and no queue has an
 * empty name.
 */
create or replace function pgq._notify_promotion()
  returns trigger
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  if exists (select from added)
    and exists (select from pgq.workers where idle)
    and (select notify from pgq.settings)
  then
    perform pg_notify('pgq_jobs', '');
  end if;
  return null;
end
$$;

comment on function pgq._notify_promotion is 'Wake an idle worker when there are jobs to promote.';

create trigger blocked_notify
  after insert on pgq.blocked
  referencing new table as added
  for each statement
  execute function pgq._notify_promotion();

comment on trigger blocked_notify on pgq.blocked is 'Lets idle workers read new rows.';

create trigger releases_notify
  after insert on pgq.releases
  referencing new table as added
  for each statement
  execute function pgq._notify_promotion();

comment on trigger releases_notify on pgq.releases is 'Lets idle workers handle them.';
