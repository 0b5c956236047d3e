/*
 * All backoffs of an enqueue_many call, by their text: jobs of one task have the same one, and to
 * read one takes as long as all the rest of a job.
 */
create or replace function pgq._parse_backoffs(jobs jsonb)
  returns jsonb
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  if not jobs @? '$[*].backoff' then
    return null;
  end if;
  return (
    select jsonb_object_agg(given, pgq._parse_backoff(given))
    from (
      select distinct backoff
      from pgq._job_rows(jobs)
      where backoff is not null
    ) as each (given)
  );
end
$$;

comment on function pgq._parse_backoffs is
  'All backoffs of an enqueue_many call, by their text.';
