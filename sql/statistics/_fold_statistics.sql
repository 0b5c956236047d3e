/*
 * Count up to most stat_deltas and delete them; return how many. The next call starts where this
 * one stops: see stat_folds.
 *
 * It takes late transactions first, then the others in their order. So if it cannot take all, the
 * place of the last one says which are taken. It takes fewer rows if they stand for very many
 * jobs, because it puts their letters together in memory.
 *
 * It does nothing while another session folds. It also does nothing in a transaction whose
 * snapshot may be older than its lock on stat_folds: it would count again what other folds have
 * counted.
 *
 * It wakes who follows the outcomes by one notification.
 */
create or replace function pgq._fold_statistics(most bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
  set plan_cache_mode = force_generic_plan
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_fold pgq.stat_folds;
  v_step record;
begin
  if current_setting('transaction_isolation') <> 'read committed' then
    return 0;
  end if;
  select * into v_fold from pgq.stat_folds for update skip locked;
  if not found then
    return 0;
  end if;
  if v_fold.server_started_at <> pg_postmaster_start_time() then
    v_fold.next_xid := '0';
    v_fold.late_xids := '{}';
  end if;

  perform pgq._fold_ticks();
  v_step := pgq._take_deltas(most, v_fold.next_xid, v_fold.late_xids);
  if v_step.taken = 0 then
    return 0;
  end if;
  perform pgq._add_to_statistics(
    array(select one from unnest(v_step.counted) as one where one.error is null)
  );
  perform pgq._add_errors(v_step.counted);
  perform pg_notify('pgq_outcomes', '')
  from pgq.settings
  where notify and followed_until > pgq._now();
  update pgq.stat_folds
  set next_xid = v_step.next_xid,
      late_xids = v_step.late_xids,
      server_started_at = pg_postmaster_start_time();
  return case when v_step.is_all then v_step.taken else most end;
end
$$;

comment on function pgq._fold_statistics is 'Count up to most stat_deltas and delete them.';
