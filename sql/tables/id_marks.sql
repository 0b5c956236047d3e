/*
 * Where promote_due may start among scheduled jobs, new blocked jobs, and notes.
 *
 * While some session holds an old snapshot, deleted rows cannot be vacuumed, and every promotion
 * would walk over all of them. Then maintain() makes a mark every second, and promotion moves it
 * forward. A row may still appear before a mark: from a transaction that was open for longer than a
 * second, or for an older job that has parents again. The next mark of maintain() includes such a
 * row, and a mark that is not renewed counts only for seconds. Marks are only inserted, because a
 * scan would also walk over the old versions of an updated row. The newest mark counts, and all are
 * deleted when vacuum has caught up.
 */
create table pgq.id_marks (
  lane text not null,
  id bigint generated always as identity,
  first_id bigint not null,
  newest_id bigint not null,
  until_xid xid8 not null default pg_snapshot_xmax(pg_current_snapshot()),
  made_at timestamptz not null,
  constraint id_marks_pkey primary key (lane, id),
  constraint id_marks_lane_is_known check (lane in ('scheduled', 'blocked', 'releases'))
);

comment on table pgq.id_marks is
  'Where promotion starts while dead rows pile up in the tables that it reads.';
comment on column pgq.id_marks.lane is
  'scheduled; blocked: its new jobs; releases: notes.';
comment on column pgq.id_marks.id is 'The newest counts.';
comment on column pgq.id_marks.first_id is
  'The oldest job or note that was left; for scheduled, its run_at in microseconds since 1970.';
comment on column pgq.id_marks.newest_id is 'The newest one at that time.';
comment on column pgq.id_marks.until_xid is
  'The next transaction id at that time: when all older ones have ended, no older id can appear.';
comment on column pgq.id_marks.made_at is 'When the mark was made.';
