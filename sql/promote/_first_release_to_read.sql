/*
 * The oldest note that promotion need look at, see note_mark.
 */
create or replace function pgq._first_release_to_read(now_at timestamptz)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  return coalesce(
    (
      select note_id
      from pgq.note_mark
      where only_row
        and made_at between now_at - interval '5 seconds' and now_at
    ),
    0
  );
end
$$;

comment on function pgq._first_release_to_read is 'The oldest note that promotion need look at.';
