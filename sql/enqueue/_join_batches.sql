/*
 * _join_batch() for every batch that an enqueue_many call names.
 */
create or replace function pgq._join_batches(jobs jsonb)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_named record;
  v_count bigint := 0;
begin
  for v_named in
    select batch_id, min(place) as place
    from (
      select row_number() over () as place, batch_id
      from pgq._job_rows(jobs)
    ) as job
    where batch_id is not null
    group by batch_id
    order by batch_id
  loop
    v_count := v_count + 1;
    if v_count > 1000 then
      raise exception 'the jobs belong to more than 1000 batches'
        using errcode = 'JQ002',
              hint = 'Call it several times: each batch takes one of the server''s few locks.';
    end if;
    perform pgq._join_batch(v_named.batch_id, format('job %s: ', v_named.place));
  end loop;
end
$$;

comment on function pgq._join_batches is
  '_join_batch() for every batch that an enqueue_many call names.';
