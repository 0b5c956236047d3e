/*
 * The jobs to enqueue when a batch has finished, as enqueue_many() takes them; their headers say
 * which batch, and how it ended.
 */
create or replace function pgq._batch_callbacks(batch pgq.batches)
  returns jsonb
  language sql
  stable
  set search_path = pg_catalog, pg_temp
as $$
  select coalesce(
    jsonb_agg(
      follower || jsonb_build_object(
        'headers',
        coalesce(nullif(follower -> 'headers', 'null'), '{}') || jsonb_build_object(
          'batch', jsonb_build_object('id', batch.id, 'succeeded', batch.succeeded)
        )
      )
      order by place
    ),
    '[]'
  )
  from (
    values
      (1, batch.on_success, batch.succeeded),
      (2, batch.on_failure, not batch.succeeded),
      (3, batch.on_finish, true)
  ) as given (place, follower, wanted)
  where follower is not null
    and wanted
$$;

comment on function pgq._batch_callbacks is
  'The jobs to enqueue when a batch has finished, as enqueue_many() takes them.';
