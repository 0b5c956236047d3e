/*
 * The slot of a key: ten bits of its SHA-256, which every language has.
 */
create or replace function pgq._slot_of_key(key text)
  returns bigint
  language plpgsql
  immutable
  strict
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_hash constant bytea := sha256(convert_to(key, 'UTF8'));
begin
  return (get_byte(v_hash, 0) * 256 + get_byte(v_hash, 1)) % 1024;
end
$$;

comment on function pgq._slot_of_key is 'The slot of a key: ten bits of its SHA-256.';
