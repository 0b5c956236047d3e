/*
 * Delete up to most stat_deltas in one statement. Return them summed by minute, queue, task and
 * outcome, and where the next call must look: at the rows of next_xid and later transactions, and
 * at those of late_xids. is_all says that nothing is left that this snapshot can see.
 *
 * This transaction may count more after this call. Its snapshot does not list it as open, so it is
 * added to late_xids.
 */
create or replace function pgq._take_deltas(
  most bigint,
  inout next_xid xid8,
  inout late_xids xid8[],
  out taken bigint,
  out is_all boolean,
  out counted pgq.stat_deltas[]
)
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
#variable_conflict use_variable
declare
  c_most_jobs constant bigint := 1000000;
  v_last xid8;
  v_xmax xid8;
  v_open xid8[];
begin
  with looked as materialized (
    select * from pgq._deltas_to_take(most, next_xid, late_xids)
  ),
  chosen as materialized (
    select place, xid, is_late, number
    from (
      select *, row_number() over in_turn as number, sum(jobs) over in_turn - jobs as before
      from looked
      window in_turn as (order by is_late desc, xid, id)
    ) as numbered
    where number <= most and before < c_most_jobs
  ),
  gone as (
    delete from pgq.stat_deltas
    where ctid = any(array(select place from chosen))
    returning *
  ),
  logged as (
    insert into pgq.outcome_log (noted_at, minute, queue, task, outcome, job_ids, attempts)
    select pgq._now(), minute, queue, task, outcome, job_ids, attempts
    from gone
    where job_ids is not null
    order by xid, id
  )
  select (select count(*) from chosen),
    (select count(*) from chosen) < most
      and (select count(*) from chosen) = (select count(*) from looked),
    (select xid from chosen where not is_late order by number desc limit 1),
    pg_snapshot_xmax(pg_current_snapshot()), array(select pg_snapshot_xip(pg_current_snapshot())),
    array(
      select row(
          null, null, minute, sum(jobs), sum(wait_us), sum(run_us), queue, task, outcome,
          string_agg(waits, ''), string_agg(runs, ''), (array_agg(error order by id desc))[1],
          null, null
        )::pgq.stat_deltas
      from gone
      group by minute, queue, task, outcome, error ->> 'fingerprint'
    )
  into taken, is_all, v_last, v_xmax, v_open, counted;

  if is_all or v_last is not null then
    late_xids := v_open;
    next_xid := case when is_all then v_xmax else least(v_last, v_xmax) end;
  end if;
  late_xids := array(
    select distinct late from unnest(late_xids || pg_current_xact_id()) as late
    where late < next_xid
  );
end
$$;

comment on function pgq._take_deltas is
  'Delete stat_deltas, and return their sums and where the next call must look.';
