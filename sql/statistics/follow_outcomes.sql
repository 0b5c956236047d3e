/*
 * Begin to follow how jobs and runs end. Return the cursor for the first call of outcomes_since().
 *
 * Commit this call first: settles that begin after that are noted. They are noted until nobody has
 * asked for an hour, and only while statistics are counted.
 */
create or replace function pgq.follow_outcomes()
  returns bigint
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_cursor bigint;
begin
  if (select setting.statistics from pgq.settings as setting) = 'off' then
    raise exception 'outcomes are not counted here'
      using errcode = 'JQ002',
            hint = 'Switch it on first: select pgq.configure(statistics => ''on'');';
  end if;
  update pgq.settings
  set followed_until = v_now + interval '1 hour',
      followed_from = nextval(pg_get_serial_sequence('pgq.outcome_log', 'id'))
  where followed_until <= v_now
  returning followed_from into v_cursor;
  if not found then
    perform pgq._keep_following(v_now);
    select greatest(followed_from, (select max(id) from pgq.outcome_log))
    into v_cursor
    from pgq.settings;
  end if;
  return v_cursor;
end
$$;

comment on function pgq.follow_outcomes is
  'Begin to follow how jobs and runs end; return the cursor for outcomes_since().';
