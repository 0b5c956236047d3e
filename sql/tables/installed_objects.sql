/*
 * What the installer made, to tell later what was lost, changed or added since: see _drift().
 *
 * Digests of catalog entries without oids and without the schema's name, so they outlast a restore
 * and an upgrade of the server.
 */
create table pgq.installed_objects (
  kind text not null,
  name text not null,
  digest text not null,
  constraint installed_objects_pkey primary key (kind, name)
);

comment on table pgq.installed_objects is 'What the installer made, written by the installer only.';
comment on column pgq.installed_objects.kind is
  'function, table, view, sequence, type, index, constraint, trigger, default, row or grant.';
comment on column pgq.installed_objects.name is 'Its name; without the schema.';
comment on column pgq.installed_objects.digest is 'A hash of what makes it what it is.';
