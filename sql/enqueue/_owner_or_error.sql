/*
 * What an enqueue returns when another job owns its unique_key: the id of that job, or null with
 * on_conflict => 'discard'. With 'raise' it raises JQ003.
 */
create or replace function pgq._owner_or_error(
  owner_id bigint,
  unique_key text,
  on_conflict text
)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if on_conflict = 'raise' then
    raise exception 'unique_key is taken: %', pgq._shorten(unique_key, 512)
      using errcode = 'JQ003',
            detail = format('Job %s owns it.', owner_id),
            hint = 'Wait until that job or its window ends, or pass another on_conflict.';
  end if;
  return case when on_conflict = 'discard' then null else owner_id end;
end
$$;

comment on function pgq._owner_or_error is
  'What an enqueue returns when another job owns its unique_key.';
