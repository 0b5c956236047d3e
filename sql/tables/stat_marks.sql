create table pgq.stat_marks (
  id bigint generated always as identity,
  at timestamptz not null,
  label text not null,
  constraint stat_marks_pkey primary key (id),
  constraint stat_marks_label_is_short check (length(label) between 1 and 200)
);

create index stat_marks_at_idx on pgq.stat_marks (at);

comment on table pgq.stat_marks is 'Moments to see in charts, such as deploys; kept for 400 days.';
comment on column pgq.stat_marks.id is 'Tells marks apart.';
comment on column pgq.stat_marks.at is 'When.';
comment on column pgq.stat_marks.label is 'What happened then.';
