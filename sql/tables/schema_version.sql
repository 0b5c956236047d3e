/*
 * The revision of this schema, one row, written by alembic and by the generated install script.
 *
 * Alembic makes the table itself before the first revision runs; the definition here must stay the
 * one that alembic would write.
 */
create table if not exists pgq.schema_version (
  version_num varchar(32) not null,
  constraint schema_version_pkc primary key (version_num)
);

comment on table pgq.schema_version is
  'The revision of this schema, one row, written by the installer only.';
comment on column pgq.schema_version.version_num is
  'Four digits, growing, so that revisions compare as text.';
