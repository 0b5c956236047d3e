/*
 * Publish to a topic, the trigger's argument, for every row that a table's trigger fires for. The
 * payload is the table, the operation, and the rows new and old, as in enqueue_trigger().
 *
 * It runs with the rights of the role that writes to the table, which must be a producer: the types
 * of the row's columns may have casts, and that code belongs to other roles.
 *
 * create trigger ... after insert or update on orders
 *   for each row execute function pgq.publish_trigger('orders.changed');
 */
create or replace function pgq.publish_trigger()
  returns trigger
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  perform pgq.publish(
    tg_argv[0],
    jsonb_build_object(
      'table', format('%I.%I', tg_table_schema, tg_table_name),
      'operation', lower(tg_op),
      'new', case when tg_op in ('INSERT', 'UPDATE') then to_jsonb(new) end,
      'old', case when tg_op in ('UPDATE', 'DELETE') then to_jsonb(old) end
    )
  );
  return null;
end
$$;

comment on function pgq.publish_trigger is
  'Trigger function: publish to a topic (its argument) for every row that changed.';
