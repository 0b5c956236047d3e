/*
 * Enqueue a job for every row that a table's trigger fires for: the task is the trigger's first
 * argument, the queue its second, if any. Args: table, operation, and the rows new and old.
 *
 * It runs with the rights of the role that writes to the table, which must be a producer: the types
 * of the row's columns may have casts, and that code belongs to other roles.
 *
 * create trigger ... after insert or update on orders
 *   for each row execute function pgq.enqueue_trigger('sync_order', 'search');
 */
create or replace function pgq.enqueue_trigger()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform pgq.enqueue(
    tg_argv[0],
    jsonb_build_object(
      'table', format('%I.%I', tg_table_schema, tg_table_name),
      'operation', lower(tg_op),
      'new', case when tg_op in ('INSERT', 'UPDATE') then to_jsonb(new) end,
      'old', case when tg_op in ('UPDATE', 'DELETE') then to_jsonb(old) end
    ),
    queue => tg_argv[1]
  );
  return null;
end
$$;

comment on function pgq.enqueue_trigger is
  'Trigger function: enqueue a job (task, queue as its arguments) for every row that changed.';
