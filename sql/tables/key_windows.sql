/*
 * Unique keys that stay taken for a while, whether their job lives or not.
 *
 * Written only by those that have just stored a job under the key, so the index of jobs decides
 * about windows too, and nobody waits for one of these rows who does not wait for the key anyway.
 */
create table pgq.key_windows (
  unique_key text not null,
  job_id bigint not null,
  until_at timestamptz not null,
  constraint key_windows_pkey primary key (unique_key)
) with (
  fillfactor = 80,
  autovacuum_vacuum_scale_factor = 0,
  autovacuum_vacuum_threshold = 1000,
  autovacuum_analyze_scale_factor = 0,
  autovacuum_analyze_threshold = 5000,
  autovacuum_vacuum_cost_delay = 0
);

create index key_windows_until_idx on pgq.key_windows (until_at);

comment on table pgq.key_windows is
  'Unique keys that stay taken for a while, whether their job lives or not.';
comment on column pgq.key_windows.unique_key is 'The key.';
comment on column pgq.key_windows.job_id is 'The job that it was taken for, live, ended or gone.';
comment on column pgq.key_windows.until_at is 'When the key is free again, unless a job owns it.';
