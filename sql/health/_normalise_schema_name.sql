/*
 * Words of the catalog as they would be in a schema that is called pgq. Inlined: no settings.
 */
create or replace function pgq._normalise_schema_name(words text, own_name text)
  returns text
  language sql
  immutable
as $$
  select case
    when own_name = 'pgq' then words
    else replace(
      replace(
        replace(
          replace(words, '"' || replace(own_name, '"', '""') || '".', 'pgq' || '.'),
          '''"' || replace(own_name, '"', '""') || '"''', '''pgq'''
        ),
        own_name || '.', 'pgq' || '.'
      ),
      '''' || own_name || '_', '''pgq' || '_'
    )
  end
$$;

comment on function pgq._normalise_schema_name is
  'Words of the catalog as they would be in a schema that is called pgq.';
