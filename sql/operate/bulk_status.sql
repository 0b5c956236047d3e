/*
 * Return bulk operations, the newest first: the given one, or up to max_operations (default 20).
 * For the next ones, pass the last id as before_id. They are kept for 30 days.
 *
 * status is waiting, running, undone, stopped, finished or failed. jobs says how many fitted when
 * it was made; if is_exact is false, there were more. outcomes counts the jobs by outcome, in the
 * words of the function that the action is named after. passed_over jobs had left the states; busy
 * jobs were held by others three times. examples has the first 100 ids of each outcome. error is
 * that of the last page, which is tried five times.
 */
create or replace function pgq.bulk_status(
  operation_id bigint default null,
  before_id bigint default null,
  max_operations bigint default 20
)
  returns table (
    id bigint, action text, status text, jobs bigint, is_exact boolean, done bigint,
    progress double precision, outcomes jsonb, examples jsonb, filters jsonb, states text[],
    highest_id bigint, priority bigint, run_at timestamptz, spread interval, login text,
    actor text, created_at timestamptz, starts_at timestamptz, begun_at timestamptz,
    due_at timestamptz, ended_at timestamptz, error text
  )
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_custom_plan
as $$
#variable_conflict use_column
begin
  if bulk_status.max_operations not between 1 and 1000 then
    raise exception 'max_operations is out of range'
      using errcode = 'JQ002',
            hint = 'Pass 1 up to 1000.';
  end if;
  return query
  select each.id, each.action,
    coalesce(each.ending, case when each.begun_at is null then 'waiting' else 'running' end),
    each.jobs, each.is_exact, pgq._bulk_jobs_done(each.outcomes), pgq._bulk_progress(each.*),
    each.outcomes, each.examples, pgq._bulk_filters(each.wanted), (each.wanted).states,
    each.highest_id, each.priority, each.run_at, each.spread, each.login, each.actor,
    each.created_at, each.starts_at, each.begun_at, each.due_at, each.ended_at, each.error
  from pgq.bulk_operations as each
  where (bulk_status.operation_id is null or each.id = bulk_status.operation_id)
    and (bulk_status.before_id is null or each.id < bulk_status.before_id)
  order by each.id desc
  limit coalesce(bulk_status.max_operations, 20);
end
$$;

comment on function pgq.bulk_status is
  'Return bulk operations: what they do, how far they are, what became of the jobs.';
