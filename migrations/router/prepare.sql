do $$
begin
  perform pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
  if to_regclass('pgq.jobs') is not null then
    raise exception 'this database has a queue: it is no router'
      using errcode = 'JQ005',
            hint = 'A router has no jobs of its own: run this in another database.';
  end if;
  if to_regnamespace('pgq') is not null and to_regclass('pgq.router') is null then
    raise exception 'schema pgq is not a router''s'
      using errcode = 'JQ005',
            hint = 'Run this in a database where nothing else has the schema.';
  end if;
  -- A router of another release has other functions. Of the same one, calls go on meanwhile.
  if to_regclass('pgq.router') is not null then
    if (select made_by from pgq.router) is distinct from 'MADE_BY' then
      drop schema pgq cascade;
    end if;
  end if;
  if to_regnamespace('pgq') is null then
    create schema pgq;
    create table pgq.router (made_by text not null);
    insert into pgq.router (made_by) values ('MADE_BY');
    create table pgq.fleet (owners bigint[] not null, spread text[] not null);
    create table pgq.shard_parts (
      number bigint primary key, part integer not null unique, database text not null
    );
    JOB_OPTIONS
    create type pgq.part as (
      shard bigint, places bigint[], own jsonb, slots bigint[], spread text[], whole text[]
    );
  end if;
end
$$;

comment on schema pgq is 'A router to the shards of a queue: it has no jobs of its own.';
comment on table pgq.router is 'What made this router: another one makes all functions anew.';
comment on table pgq.fleet is 'Who takes which slot, from 0 on, and the spread queues; one row.';
comment on table pgq.shard_parts is 'The shards, and their places in the cluster of PL/Proxy.';

create extension if not exists plproxy;
