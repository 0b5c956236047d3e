/*
 * publications
 *   when: a publication has updates of a table of ours that has no key
 *   do: the statement in the hint
 *
 * Health: which publications send our rows to others, FOR ALL TABLES too. Our tables have keys, so
 * that all goes on; a partition of the history that somebody else made may have none.
 */
create or replace function pgq._health_publications()
  returns table (
    name text, status text, value double precision, reason text, hint text, meaning text
  )
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  with ours as materialized (
    select relation.oid, relation.relnamespace,
      relation.relreplident = 'n' or (
        relation.relreplident = 'd'
        and not exists (
          select from pg_index where indrelid = relation.oid and indisprimary
        )
      ) as is_nameless
    from pg_class as relation
    where relation.relkind = 'r'
      and relation.relnamespace = (
        select jobs.relnamespace from pg_class as jobs where jobs.oid = 'pgq.jobs'::regclass
      )
  ),
  sent as materialized (
    select publication.pubname, ours.oid,
      ours.is_nameless and (publication.pubupdate or publication.pubdelete) as is_refused
    from pg_publication as publication
    join ours
      on publication.puballtables
      or exists (
        select
        from pg_publication_namespace as whole
        where whole.pnpubid = publication.oid and whole.pnnspid = ours.relnamespace
      )
      or exists (
        select
        from pg_publication_rel as one
        where one.prpubid = publication.oid
          and one.prrelid in (
            ours.oid, (select inhparent from pg_inherits where inhrelid = ours.oid)
          )
      )
  )
  select 'publications', pgq._status_above(count(*) filter (where is_refused), 0, 0),
    count(distinct pubname)::double precision,
    case
      when count(*) = 0 then 'no publication has tables of ours'
      when bool_or(is_refused)
      then format('%s is published and has no key', min(oid::regclass::text)
        filter (where is_refused))
      else 'published by ' || pgq._list_briefly(array_agg(distinct pubname::text))
        || ': subscribers get what jobs carry'
    end,
    'As the owner of the schema: ' || min(
      format('alter table %s replica identity full;', oid::regclass)
    ) filter (where is_refused),
    'Postgres refuses updates of a published table that it could not name to subscribers.'
  from sent
$$;

comment on function pgq._health_publications is
  'Health: which publications have tables of ours.';
