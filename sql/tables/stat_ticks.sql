/*
 * How often ticks of schedules were handled. Each statement that handles some adds rows, and the
 * step `statistics` of maintain() puts many rows together. So nobody waits for a row of another,
 * and the sum of each outcome never goes back.
 */
create table pgq.stat_ticks (
  id bigint generated always as identity,
  outcome text not null,
  ticks bigint not null,
  constraint stat_ticks_pkey primary key (id),
  constraint stat_ticks_count_some check (ticks > 0)
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_vacuum_cost_delay = 0
);

comment on table pgq.stat_ticks is 'How often ticks of schedules were handled; it is summed.';
comment on column pgq.stat_ticks.id is 'Tells rows apart.';
comment on column pgq.stat_ticks.outcome is 'As in schedule_runs.';
comment on column pgq.stat_ticks.ticks is 'How often.';
