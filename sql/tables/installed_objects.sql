/*
 * What the installer made, to find later what was lost, changed or added: see _drift().
 *
 * The digests contain no oids and not the schema's name, so they stay valid after a restore and
 * after an upgrade of the server.
 */
create table pgq.installed_objects (
  kind text not null,
  name text not null,
  digest text not null,
  constraint installed_objects_pkey primary key (kind, name)
);

comment on table pgq.installed_objects is 'What the installer made, written by the installer only.';
comment on column pgq.installed_objects.kind is
  'function, table, view, sequence, type, index, constraint, trigger, default, parameter, row ...';
comment on column pgq.installed_objects.name is 'Its name; without the schema.';
comment on column pgq.installed_objects.digest is 'A hash of its definition.';
