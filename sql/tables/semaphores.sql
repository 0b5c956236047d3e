create table pgq.semaphores (
  concurrency_key text not null,
  max_slots integer not null,
  constraint semaphores_pkey primary key (concurrency_key),
  constraint semaphores_max_slots_is_not_negative check (max_slots >= 0)
);

comment on table pgq.semaphores is
  'Limits set by configure_semaphore(); they win over the limits of jobs.';
comment on column pgq.semaphores.concurrency_key is 'The semaphore.';
comment on column pgq.semaphores.max_slots is 'How many slots it has; 0 stops it.';
