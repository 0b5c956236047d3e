/*
 * Workers that have left, the newest first: those whose id is below before_id, and of that name if
 * one is given. The last ten thousand are kept, for thirty days.
 */
create or replace function pgq.list_past_workers(
  of_name text default null,
  before_id bigint default null,
  page_size bigint default 50
)
  returns table (
    id bigint, name text, host text, pid bigint, started_at timestamptz, left_at timestamptz
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
            hint = 'Pass 1 to 1000 workers a page.';
  end if;
  return query
  select gone.id, gone.name, gone.host, gone.pid, gone.started_at, gone.left_at
  from pgq.past_workers as gone
  where gone.id < coalesce(before_id, 9223372036854775807)
    and (of_name is null or gone.name = of_name collate "default")
  order by gone.id desc
  limit v_size;
end
$$;

comment on function pgq.list_past_workers is 'Workers that have left, the newest first.';
