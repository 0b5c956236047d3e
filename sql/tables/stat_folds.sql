/*
 * How far stat_deltas have been counted. A fold locks this row, so the tables of statistics have
 * one writer at a time.
 *
 * A fold counts and deletes all rows that it sees. Rows that it does not see come from a
 * transaction that was open then, that began later, or from its own. So the next fold looks only
 * at those transactions, and not at deleted rows that are kept for an old snapshot. On another
 * server, or after a restart, it looks at everything.
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

comment on table pgq.stat_folds is 'How far stat_deltas have been counted.';
comment on column pgq.stat_folds.only_row is 'Makes a second row impossible.';
comment on column pgq.stat_folds.next_xid is
  'Rows of this transaction and of later ones are not counted yet.';
comment on column pgq.stat_folds.late_xids is 'Earlier transactions of which rows may still come.';
comment on column pgq.stat_folds.server_started_at is
  'When the server started for which this is true.';
