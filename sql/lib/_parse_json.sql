/*
 * Read a text as jsonb, or say what is wrong with it.
 *
 * The exception block costs no transaction id, because nothing is written inside it. Faces call
 * this with their caller's rights.
 */
create or replace function pgq._parse_json(value text, what text)
  returns jsonb
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return value::jsonb;
exception
  when untranslatable_character then
    raise exception '% holds the character NUL', what
      using errcode = 'JQ001',
            detail = pgq._shorten(sqlerrm, 300),
            hint = E'jsonb cannot store \\u0000; remove or encode it.';
  when numeric_value_out_of_range then
    raise exception '% holds a number that cannot be stored', what
      using errcode = 'JQ001',
            detail = pgq._shorten(sqlerrm, 300),
            hint = 'Numbers go up to 1.8e308; pass it as text.';
  when invalid_text_representation or statement_too_complex or program_limit_exceeded
    or internal_error
  then
    raise exception '% is not valid JSON', what
      using errcode = 'JQ001',
            detail = pgq._shorten(sqlerrm, 300),
            hint = 'Pass an object, such as {"user_id": 1}, or an array of positional arguments.';
end
$$;

comment on function pgq._parse_json is 'Read a text as jsonb, or say what is wrong with it.';
