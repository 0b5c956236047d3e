/*
 * The oldest job or note that promotion must read in one lane: see id_marks.
 */
create or replace function pgq._first_id_to_read(lane text, now_at timestamptz)
  returns bigint
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    (
      select mark.first_id
      from (
        select known.first_id, known.made_at
        from pgq.id_marks as known
        where known.lane = _first_id_to_read.lane
        order by known.id desc
        limit 1
      ) as mark
      where mark.made_at between now_at - interval '5 seconds' and now_at
    ),
    0
  );
end
$$;

comment on function pgq._first_id_to_read is
  'The oldest job or note that promotion must read in one lane.';
