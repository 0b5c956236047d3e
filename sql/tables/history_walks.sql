/*
 * How far maintain() has read a day of the history to delete what must go before the day does. A
 * day is read once for each change of what must go, in the order of ids.
 */
create table pgq.history_walks (
  day date not null,
  rules text not null,
  last_id bigint,
  held_from bigint,
  again_at timestamptz,
  constraint history_walks_pkey primary key (day)
);

comment on table pgq.history_walks is
  'How far maintain() has read days of the history, to delete what must go before they do.';
comment on column pgq.history_walks.day is 'The day (UTC).';
comment on column pgq.history_walks.rules is
  'Which rules of _retention_rules() say that something must go, as a hash.';
comment on column pgq.history_walks.last_id is 'It is read up to this job; null: to its end.';
comment on column pgq.history_walks.held_from is
  'The first job that another session held, so that it stayed.';
comment on column pgq.history_walks.again_at is 'When to try such jobs again.';
