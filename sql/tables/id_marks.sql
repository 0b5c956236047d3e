/*
 * Where promote_due may start among scheduled jobs, blocked jobs that are new, and notes.
 *
 * While some session holds an old snapshot, deleted rows cannot be vacuumed, and every promotion
 * would walk over all of them. maintain() then makes a mark every second, and promotion moves it
 * on. A row may still appear before it: of a transaction that was open for longer than a second, or
 * a job that was there before and has parents again. The next mark of maintain() takes that back,
 * and one that nobody renews counts for seconds. Rows are only inserted, because the old version of
 * an updated one is walked too: the newest counts, and all go when vacuum has caught up.
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
  'Where promotion starts while dead rows pile up in what it looks through.';
comment on column pgq.id_marks.lane is
  'scheduled; blocked: jobs that are new in it; releases: notes.';
comment on column pgq.id_marks.id is 'The newest counts.';
comment on column pgq.id_marks.first_id is
  'The oldest job or note that was left; of scheduled: its microseconds since 1970.';
comment on column pgq.id_marks.newest_id is 'The newest one at that time.';
comment on column pgq.id_marks.until_xid is
  'The transaction to come next: when all before it have ended, older ids do not come any more.';
comment on column pgq.id_marks.made_at is 'When that was so.';
