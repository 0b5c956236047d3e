/*
 * Apart from workers, so that an operator's open transaction does not hold up a heartbeat.
 */
create table pgq.worker_orders (
  worker_id bigint not null,
  standing_order text not null,
  ordered_at timestamptz not null,
  constraint worker_orders_pkey primary key (worker_id)
);

comment on table pgq.worker_orders is 'What operators told workers to do; heartbeats hand it on.';
comment on column pgq.worker_orders.worker_id is 'The worker.';
comment on column pgq.worker_orders.standing_order is 'What it was told: see order_worker().';
comment on column pgq.worker_orders.ordered_at is 'When it was told.';
