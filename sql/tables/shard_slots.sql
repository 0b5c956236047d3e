/*
 * Which shard takes the jobs of each of the 1,024 slots. Only what a shard says of itself counts:
 * it takes a job only if its own row here names it. What it says of others is where it would look.
 */
create table pgq.shard_slots (
  slot bigint not null,
  owner bigint,
  constraint shard_slots_pkey primary key (slot),
  constraint shard_slots_are_below_1024 check (slot between 0 and 1023),
  constraint shard_slots_owner_is_below_1024 check (owner between 0 and 1023)
);

comment on table pgq.shard_slots is
  'Which shard takes the jobs of a slot; empty where there are none.';
comment on column pgq.shard_slots.slot is 'The slot: see shard_slot().';
comment on column pgq.shard_slots.owner is 'The number of its shard; null: nobody, while it moves.';
