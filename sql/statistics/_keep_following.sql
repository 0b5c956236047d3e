/*
 * Let outcomes be noted for another hour, if less than half of the last hour is left.
 *
 * It waits for nobody: if another session holds the row, the next call does it. A session that may
 * only read, such as one on a standby, leaves it to others.
 */
create or replace function pgq._keep_following(now_at timestamptz)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if current_setting('transaction_read_only')::boolean then
    return;
  end if;
  update pgq.settings
  set followed_until = now_at + interval '1 hour'
  where only_row = (
    select only_row from pgq.settings
    where followed_until < now_at + interval '30 minutes'
    for update skip locked
  );
end
$$;

comment on function pgq._keep_following is 'Let outcomes be noted for another hour.';
