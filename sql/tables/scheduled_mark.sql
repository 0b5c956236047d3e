/*
 * Where promote_due may start in the scheduled lane.
 *
 * While some session holds an old snapshot, deleted rows of the lane cannot be vacuumed, and every
 * promotion would walk over all of them. maintain() then notes every second before which time no
 * row was left. A row may still appear before it, of a transaction that was open for longer than
 * the job had to wait: the next note takes that back. A note that nobody renews counts for seconds.
 */
create table pgq.scheduled_mark (
  only_row boolean not null default true,
  run_at timestamptz not null,
  made_at timestamptz not null,
  constraint scheduled_mark_pkey primary key (only_row),
  constraint scheduled_mark_has_one_row check (only_row)
) with (fillfactor = 50);

comment on table pgq.scheduled_mark is
  'Where promotion starts in the scheduled lane while dead rows pile up.';
comment on column pgq.scheduled_mark.only_row is 'Makes a second row impossible.';
comment on column pgq.scheduled_mark.run_at is 'No row before it was left,';
comment on column pgq.scheduled_mark.made_at is 'at this time.';
