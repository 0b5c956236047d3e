/*
 * The last hundred pauses of a queue. The present pause, if there is one, counts as ending now, or
 * when it ended by itself.
 */
create or replace function pgq._past_pauses(
  pauses tstzmultirange,
  paused_at timestamptz,
  paused_until timestamptz,
  now_at timestamptz
)
  returns tstzmultirange
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select range_agg(kept.pause)
  from (
    select pause
    from unnest(
      coalesce(pauses, '{}') + case
        when paused_at is null
        then '{}'
        else tstzmultirange(tstzrange(paused_at, greatest(paused_at, least(paused_until, now_at))))
      end
    ) as pause
    order by lower(pause) desc
    limit 100
  ) as kept
$$;

comment on function pgq._past_pauses is
  'The last pauses of a queue; the present one counts as ending now.';
