/*
 * Where promote_due may start among the notes of releases: scheduled_mark says why there is one.
 *
 * A note may still appear before it, of a transaction that was open for longer than a second: the
 * next mark takes that back. A mark that nobody renews counts for seconds.
 */
create table pgq.note_mark (
  only_row boolean not null default true,
  note_id bigint not null,
  newest_id bigint not null,
  made_at timestamptz not null,
  constraint note_mark_pkey primary key (only_row),
  constraint note_mark_has_one_row check (only_row)
) with (fillfactor = 50);

comment on table pgq.note_mark is 'Where promotion starts among the notes while dead rows pile up.';
comment on column pgq.note_mark.only_row is 'Makes a second row impossible.';
comment on column pgq.note_mark.note_id is 'No note before it was left,';
comment on column pgq.note_mark.newest_id is 'nor was a newer one than this made,';
comment on column pgq.note_mark.made_at is 'at this time.';
