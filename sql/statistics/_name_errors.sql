/*
 * Return the errors among what was counted. stat_errors has room for a fixed number of errors, and
 * the most frequent new ones get it first. The others have the word in `other` as their
 * fingerprint, type and task.
 */
create or replace function pgq._name_errors(counted pgq.stat_deltas[], most bigint, other text)
  returns pgq.stat_deltas[]
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set jit = off
as $$
declare
  v_room constant bigint := most - (select count(*) from pgq.stat_errors);
begin
  return array(
    select row(
        null, null, one.minute, one.jobs, 0, 0, one.queue,
        case when kind.has_room then one.task else other end, one.outcome, '', '',
        case
          when kind.has_room then one.error
          else one.error || jsonb_build_object('fingerprint', other, 'type', other)
        end,
        null, null
      )::pgq.stat_deltas
    from (
      select same.deltas,
        is_known or row_number() over (partition by is_known order by same.attempts desc) <= v_room
          as has_room
      from (
        select each.error ->> 'fingerprint' as fingerprint, each.task, sum(each.jobs) as attempts,
          array_agg(each) as deltas
        from unnest(counted) as each
        where each.error is not null
        group by 1, 2
      ) as same
      cross join lateral (
        select exists (
          select
          from pgq.stat_errors as known
          where known.fingerprint = same.fingerprint and known.task = same.task
        )
      ) as looked (is_known)
    ) as kind
    cross join lateral unnest(kind.deltas) as one
  );
end
$$;

comment on function pgq._name_errors is
  'Return the errors among what was counted; those without room have another name.';
