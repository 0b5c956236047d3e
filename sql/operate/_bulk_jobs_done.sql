create or replace function pgq._bulk_jobs_done(outcomes jsonb)
  returns bigint
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select coalesce(sum(jobs::bigint), 0)::bigint from jsonb_each_text(outcomes) as each (word, jobs)
$$;

comment on function pgq._bulk_jobs_done is 'How many jobs have an outcome.';
