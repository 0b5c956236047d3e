/*
 * Store the jobs of an enqueue_many call that have a unique_key, or find the jobs that own the
 * keys, as _insert_or_find_owner() does for one; add them to the answers of the others.
 *
 * All free keys are taken before the first owner is searched. If an owner is gone by then, its key
 * may be taken only in the order of the keys. So it raises JQ007, and enqueue_many starts again.
 */
create or replace function pgq._insert_or_find_owners(
  jobs jsonb,
  now_at timestamptz,
  inout ids bigint[],
  out created boolean[]
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_column
declare
  v_made record;
  v_job record;
begin
  created := array_fill(true, array[cardinality(ids)]);
  select *
  into v_made
  from pgq._insert_free_keyed_jobs(jobs, now_at);
  select array_agg(coalesce(made.id, other.id) order by other.place)
  into ids
  from unnest(ids) with ordinality as other (id, place)
  left join unnest(v_made.ids, v_made.places) as made (id, place) using (place);
  if array_position(ids, null) is null then
    return;
  end if;

  for v_job in
    select keyed.place, keyed.unique_key, keyed.on_conflict, owner.id
    from (
      select row_number() over () as place, unique_key, on_conflict
      from pgq._job_rows(jobs)
    ) as keyed
    cross join lateral (
      select coalesce(
        (
          select taken.job_id
          from pgq.key_windows as taken
          where taken.unique_key = keyed.unique_key
            and taken.until_at > now_at
        ),
        (
          select max(live.id)  -- an old snapshot may show one that has ended too
          from (
            select job.id from pgq.jobs as job where unique_key = keyed.unique_key offset 0
          ) as live
        )
      ) as id
      offset 0
    ) as owner
    where keyed.unique_key is not null
      and keyed.place not in (select unnest(v_made.places))
    order by keyed.unique_key collate "C", keyed.place
  loop
    if v_job.id is null then
      raise exception 'the owner of a unique_key no longer has it'
        using errcode = 'JQ007',
              hint = 'enqueue_many() tries again.';
    end if;
    ids[v_job.place] := pgq._owner_or_error(v_job.id, v_job.unique_key, v_job.on_conflict);
    created[v_job.place] := false;
  end loop;
end
$$;

comment on function pgq._insert_or_find_owners is
  'Store the jobs of an enqueue_many call that have a unique_key, or find their owners.';
