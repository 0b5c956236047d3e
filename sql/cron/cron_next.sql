/*
 * When a cron expression is due next after an instant (default: now), in a time zone (default:
 * UTC). Null: never.
 *
 * Five fields: minute, hour, day of month, month, day of week; names, lists, ranges, steps, L (last
 * day of the month), 5L (last Friday), 5#2 (second Friday), and @daily and the like. If both day
 * fields are given, a day must fit one of them; if one of them begins with a star, with or without
 * a step, a day must fit both.
 *
 * In spring a skipped time is due at the moment of the change, in autumn a repeated time is due
 * only once. If minute or hour begins with a star, every minute counts as it passes.
 */
create or replace function pgq.cron_next(
  expression text,
  after timestamptz default null,
  timezone text default null
)
  returns timestamptz
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return pgq._cron_after(
    pgq._parse_cron(expression collate "default"), expression collate "default",
    coalesce(after, pgq._now()), pgq._read_time_zone(timezone collate "default")
  );
end
$$;

comment on function pgq.cron_next is
  'When a cron expression is due next after an instant, by the clocks of a zone.';
