/*
 * The next jobs of a bulk operation, up to most of them, and the id up to which these are all.
 *
 * Looks at ten windows of 10,000 jobs at most, by their ids, since few of them may fit. Jobs that
 * ended after the operation was made are left alone: somebody retried them, or they failed again.
 */
create or replace function pgq._find_bulk_page(
  operation pgq.bulk_operations,
  most bigint,
  out ids bigint[],
  out up_to bigint
)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
  set jit = off
  set enable_seqscan = off
  set enable_bitmapscan = off
as $$
declare
  v_last constant bigint := operation.highest_id;
  v_past constant boolean :=
    operation.states && array['succeeded', 'failed', 'cancelled', 'expired'];
  v_live constant boolean := operation.finished_before is null
    and operation.states && array['scheduled', 'blocked', 'ready', 'running'];
  v_found bigint[];
begin
  ids := '{}';
  up_to := operation.last_id;
  for v_window in 1..10 loop
    exit when up_to >= v_last;
    operation.last_id := up_to;
    up_to := least(
      v_last,
      case when v_live then (
        select id from pgq.jobs where id > operation.last_id order by id offset 9999 limit 1
      ) end,
      case when v_past then (
        select id from pgq.job_history where id > operation.last_id order by id offset 9999 limit 1
      ) end
    );
    v_found := pgq._find_fitting_jobs(
      operation, v_live, v_past, up_to, most - cardinality(ids)
    );
    ids := ids || v_found;
    if cardinality(ids) >= most then
      up_to := ids[cardinality(ids)];
      exit;
    end if;
  end loop;
end
$$;

comment on function pgq._find_bulk_page is
  'The next jobs of a bulk operation, and the id up to which these are all.';
