/*
 * Batches, the newest first: those whose id is below before_id. The jobs of each state are counted
 * up to 1,000, and those that were discarded or pruned are added; batch_progress() counts all.
 * on_success, on_finish and on_failure name the tasks that follow.
 *
 * Callers who may not read failed_jobs do not see the description.
 */
create or replace function pgq.list_batches(
  before_id bigint default null,
  page_size bigint default 50
)
  returns table (
    id bigint, description text, status text, live bigint, succeeded bigint, failed bigint,
    cancelled bigint, expired bigint, on_success text, on_finish text, on_failure text,
    created_at timestamptz, closed_at timestamptz, finished_at timestamptz
  )
  language plpgsql
  stable
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_size constant bigint := coalesce(page_size, 50);
begin
  if v_size not between 1 and 1000 then
    raise exception 'page_size is %', v_size
      using errcode = 'JQ002',
            hint = 'Pass 1 to 1000 batches a page.';
  end if;
  return query
  select batch.id, case when pgq._sees_contents() then batch.description end,
    case
      when batch.succeeded then 'succeeded'
      when not batch.succeeded then 'failed'
      when batch.closed_at is not null then 'closed'
      else 'open'
    end,
    (
      select count(*)
      from (select from pgq.jobs as job where job.batch_id = batch.id limit 1000) as counted
    ),
    batch.forgotten_succeeded + pgq._count_ended(batch.id, 'succeeded', 1000),
    batch.forgotten_failed + pgq._count_ended(batch.id, 'failed', 1000),
    batch.forgotten_cancelled + pgq._count_ended(batch.id, 'cancelled', 1000),
    batch.forgotten_expired + pgq._count_ended(batch.id, 'expired', 1000),
    batch.on_success ->> 'task', batch.on_finish ->> 'task', batch.on_failure ->> 'task',
    batch.created_at, batch.closed_at, batch.finished_at
  from pgq.batches as batch
  where batch.id < coalesce(before_id, 9223372036854775807)
  order by batch.id desc
  limit v_size;
end
$$;

comment on function pgq.list_batches is
  'Batches, the newest first: what is left of them, and how they ended.';
