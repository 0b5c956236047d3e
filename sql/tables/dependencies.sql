/*
 * The parents that jobs still wait for: a row is deleted when its parent has ended. A job with rows
 * here is blocked.
 */
create table pgq.dependencies (
  child_id bigint not null,
  parent_id bigint not null,
  outlasts_failure boolean not null default false,
  constraint dependencies_pkey primary key (child_id, parent_id)
) with (
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 2000,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0
);

-- Statistics that know a single parent let the planner walk over a whole index in which the parent
-- comes second. So a search by parent asks for the order of this one. A search by child cannot use
-- it, because of the sum.
create index dependencies_parent_idx
on pgq.dependencies (parent_id, outlasts_failure, (child_id + 0));

create index dependencies_outlasting_idx on pgq.dependencies (parent_id) where outlasts_failure;

comment on table pgq.dependencies is 'Which blocked jobs wait for which jobs to end.';
comment on column pgq.dependencies.child_id is 'The job that waits.';
comment on column pgq.dependencies.parent_id is 'The job that it waits for.';
comment on column pgq.dependencies.outlasts_failure is
  'Whether it waits for a retry of the parent if the parent fails.';
