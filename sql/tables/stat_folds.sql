/*
 * Up to where stat_deltas have been counted. The one that locks the row counts, so the tables of
 * statistics have one writer at a time.
 *
 * All that a fold saw was counted and deleted, and what it did not see is of a transaction that was
 * open then, or that came later, or its own. So the next one looks at those alone, and not at the
 * rows that are gone but still there for an old snapshot. On another server, or after a restart,
 * it looks at all.
 */
create table pgq.stat_folds (
  only_row boolean not null default true,
  next_xid xid8 not null default '0',
  late_xids xid8[] not null default '{}',
  server_started_at timestamptz not null default '-infinity',
  constraint stat_folds_pkey primary key (only_row),
  constraint stat_folds_has_one_row check (only_row)
) with (fillfactor = 50);

insert into pgq.stat_folds default values;

comment on table pgq.stat_folds is 'Up to where stat_deltas have been counted.';
comment on column pgq.stat_folds.only_row is 'Makes a second row impossible.';
comment on column pgq.stat_folds.next_xid is
  'What this and later transactions count is yet to come.';
comment on column pgq.stat_folds.late_xids is 'Earlier transactions that may count yet.';
comment on column pgq.stat_folds.server_started_at is 'The server of which that is true.';
