/*
 * The unique_key of a job that is unique by its task and its args. Equal args have one key,
 * whatever the order of their keys, and 1 is 1.0; any other difference makes another key.
 *
 * The text of jsonb has its keys in one order, and numbers without exponents. So only the zeros at
 * the end of a fraction are left to remove. The pattern takes texts whole, so that it changes no
 * number inside one. Keys are stored: the same args must have the same key in every version.
 */
create or replace function pgq._key_of_args(task text, args jsonb)
  returns text
  language sql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
  select left(task, 400) || ':' || encode(
    sha256(convert_to(
      task || chr(10) || regexp_replace(
        args::text,
        E'("(?:[^"\\\\]|\\\\.)*")|(-?[0-9]+)[.]0+(?![0-9])|(-?[0-9]+[.][0-9]*[1-9])0+(?![0-9])',
        E'\\1\\2\\3',
        'g'
      ),
      'UTF8'
    )),
    'hex'
  )
$$;

comment on function pgq._key_of_args is
  'The unique_key of a job that is unique by its task and its args.';
