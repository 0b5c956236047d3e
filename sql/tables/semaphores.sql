/*
 * A paused semaphore has no slots, and remembers here how many it had. So those who count slots
 * need not know of pauses.
 */
create table pgq.semaphores (
  concurrency_key text not null,
  max_slots integer not null,
  paused_at timestamptz,
  paused_until timestamptz,
  kept_slots integer,
  constraint semaphores_pkey primary key (concurrency_key),
  constraint semaphores_max_slots_is_not_negative check (max_slots >= 0)
);

comment on table pgq.semaphores is
  'Limits set by configure_semaphore(), which win over the limits of jobs; and pauses.';
comment on column pgq.semaphores.concurrency_key is 'The semaphore.';
comment on column pgq.semaphores.max_slots is
  'How many slots it has; 0 stops it, and it is 0 while it is paused.';
comment on column pgq.semaphores.paused_at is 'Since when it is paused; null: it is not.';
comment on column pgq.semaphores.paused_until is
  'When the pause ends by itself; null: at resume_semaphore().';
comment on column pgq.semaphores.kept_slots is
  'How many slots it has after its pause; null: as its jobs say.';
