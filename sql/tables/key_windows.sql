/*
 * Unique keys that stay taken for a time, even if their job has ended.
 *
 * Only a transaction that has just stored a job under the key writes its row. So the unique index
 * of jobs decides about windows too, and a session that waits for one of these rows would wait for
 * the key anyway.
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
  'Unique keys that stay taken for a time, even if their job has ended.';
comment on column pgq.key_windows.unique_key is 'The key.';
comment on column pgq.key_windows.job_id is 'The job that opened the window; it may have ended.';
comment on column pgq.key_windows.until_at is 'When the key is free again, unless a job owns it.';
