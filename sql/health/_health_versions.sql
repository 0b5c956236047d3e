/*
 * versions
 *   when: workers of several versions or of an older protocol; fail: of one that is not supported
 *   do: finish the [upgrade](upgrade.md)
 */
create or replace function pgq._health_versions(now_at timestamptz, max_age interval)
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select 'versions',
    case
      when bool_or(alive.protocol not between pgq._protocol() - 1 and pgq._protocol()) then 'fail'
      when bool_or(alive.protocol < pgq._protocol()) or count(distinct alive.version) > 1
      then 'warn'
      else 'ok'
    end,
    count(distinct alive.version)::double precision,
    format('workers by version: %s; this schema is %s, protocol %s',
      coalesce(
        string_agg(distinct format('%s of protocol %s', coalesce(alive.version, 'unknown'),
          alive.protocol), ', '),
        'none'),
      pgq.version(), pgq._protocol()),
    case
      when bool_or(alive.protocol < pgq._protocol()) or count(distinct alive.version) > 1
      then 'Finish the upgrade: restart the old workers with the new package; see worker_status.'
    end,
    'Some workers run another version than this schema.'
  from pgq._living_workers(now_at, max_age) as alive
$$;

comment on function pgq._health_versions is 'Health: whether workers are of one version.';
