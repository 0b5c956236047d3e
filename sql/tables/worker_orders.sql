/*
 * A separate table, so that an operator's open transaction does not delay a heartbeat. Rows are
 * only inserted, and the newest order of a worker counts. So two operators never wait for each
 * other, and a claim reads one row, even if the worker was paused many times while some session
 * held an old snapshot. The rows are deleted with the worker.
 */
create table pgq.worker_orders (
  worker_id bigint not null,
  standing_order text not null,
  ordered_at timestamptz not null,
  id bigint generated always as identity,
  constraint worker_orders_pkey primary key (worker_id, id)
);

comment on table pgq.worker_orders is 'What operators ordered workers to do.';
comment on column pgq.worker_orders.worker_id is 'The worker.';
comment on column pgq.worker_orders.standing_order is
  'The order, see order_worker(); resume: no order any more.';
comment on column pgq.worker_orders.ordered_at is 'When the order was given.';
comment on column pgq.worker_orders.id is 'The newest order counts.';
