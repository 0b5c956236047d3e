/*
 * Do the steps of the maintenance that are due, a bounded amount of each, and say what was done.
 * Any number of workers may call it as often as they like: it skips a step that is not due, or that
 * another session is doing.
 *
 * A step that fails does not stop the others: its answer is null, its error is stored in the table
 * maintenance and shown by health(), and it is tried again in ten seconds. A cancellation ends the
 * call, so each step is bounded. A step that has done as much as it may is due again at once.
 * Partitions come last, because their locks last until the commit; once it has made new ones, it
 * waits for nobody. If a step is due later than its period allows, a wrong clock has caused that,
 * and it is done now.
 */
create or replace function pgq.maintain()
  returns table (step text, affected bigint)
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query select * from pgq._run_due_steps();
end
$$;

comment on function pgq.maintain is
  'Do the steps of the maintenance that are due, a bounded amount of each; says what was done.';
