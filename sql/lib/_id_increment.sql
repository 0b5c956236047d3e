/*
 * How far apart the ids of jobs are: more than 1 where an installation has its own part of them.
 */
create or replace function pgq._id_increment()
  returns bigint
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return (select seqincrement from pg_sequence where seqrelid = 'pgq.jobs_id_seq'::regclass);
end
$$;

comment on function pgq._id_increment is 'How far apart the ids of jobs are.';
