/*
 * Which shard of a fleet of databases this one is; no row: it is none. Its ids of jobs and batches
 * leave this number when they are divided by 1024, so an id tells where its job is.
 */
create table pgq.shard (
  only_row boolean not null default true,
  number bigint not null,
  constraint shard_pkey primary key (only_row),
  constraint shard_has_one_row check (only_row),
  constraint shard_number_is_below_1024 check (number between 0 and 1023)
);

comment on table pgq.shard is
  'Which shard of a fleet this database is; no row: none. shard_init() writes it.';
comment on column pgq.shard.only_row is 'Makes a second row impossible.';
comment on column pgq.shard.number is 'What the ids of its jobs leave when divided by 1024.';
