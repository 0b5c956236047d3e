/*
 * Make up to batch_size due jobs ready, earliest first, then by priority, and unblock as many
 * blocked jobs. Answers how many of both, and when to call again at the latest.
 *
 * It skips rows that another session is promoting, so any number of workers may call it.
 */
create or replace function pgq.promote_due(batch_size bigint default 1000)
  returns table (promoted bigint, next_due_at timestamptz)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
  set enable_mergejoin = off
  set enable_nestloop = off
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_first constant bigint := pgq._first_id_to_read('scheduled', v_now);
  v_from constant timestamptz := to_timestamp((v_first - 1) / 1e6);
  v_due bigint[];
  v_new bigint;
  v_step record;
begin
  if coalesce(promote_due.batch_size, 1000) not between 1 and 100000 then
    raise exception 'batch_size is %', promote_due.batch_size
      using errcode = 'JQ002',
            hint = 'Pass 1 up to 100000.';
  end if;

  with taken as (
    delete from pgq.scheduled
    where ctid = any(array(
      select ctid
      from pgq.scheduled
      where run_at between v_from and v_now
      order by run_at, priority, job_id
      limit coalesce(promote_due.batch_size, 1000)
      for update skip locked
    ))
    returning job_id, run_at, priority
  )
  select array_agg(job_id order by run_at, priority, job_id) into v_due from taken;

  promoted := coalesce(cardinality(v_due), 0);
  if promoted > 0 then
    perform pgq._move_id_mark('scheduled', v_first, v_now);
    perform pgq._place_in_lane(v_due, v_now);
  end if;
  v_new := pgq._check_new_blocked(
    coalesce(promote_due.batch_size, 1000), pgq._first_id_to_read('blocked', v_now)
  );
  v_step := pgq._promote_from_releases(coalesce(promote_due.batch_size, 1000), v_now);
  promoted := promoted + v_step.moved;
  next_due_at := case
    when v_new > 0 or v_step.got_on then v_now
    else least(
      -- Another session has locked the rows that are left, and nothing reports when it releases
      -- them.
      case
        when v_new is not null or v_step.was_any then v_now + interval '200 milliseconds'
      end,
      (select run_at from pgq.scheduled where run_at >= v_from order by run_at limit 1),
      pgq._next_token_at(v_now)
    )
  end;
  return next;
end
$$;

comment on function pgq.promote_due is
  'Make up to batch_size due jobs ready, earliest first; say when the next is due.';
