/*
 * How many tokens a bucket holds now: those that it held and those that have come since, up to the
 * burst. If the clock is set back, no token is added or lost.
 *
 * Plain SQL without settings, so that it is inlined, also into views, under their readers'
 * search_path: it qualifies everything.
 */
create or replace function pgq._bucket_tokens(
  tokens double precision,
  counted_at timestamptz,
  configured pgq.queues,
  now_at timestamptz
)
  returns double precision
  language sql
  stable
as $$
  select least(
    coalesce(configured.rate_burst, configured.rate_limit)::double precision,
    coalesce(
      tokens operator(pg_catalog.+) (
        configured.rate_limit operator(pg_catalog.*) greatest(
          0, extract(epoch from now_at operator(pg_catalog.-) counted_at)
        ) operator(pg_catalog./)
          extract(epoch from coalesce(configured.rate_interval, interval '1 second'))
      ),
      coalesce(configured.rate_burst, configured.rate_limit)
    )
  )
$$;

comment on function pgq._bucket_tokens is 'How many tokens a bucket holds now.';
