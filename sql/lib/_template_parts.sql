/*
 * The parts of a template in their order: text, or a {name}. Two braces stand for one. A template
 * that is not understood has no parts. It is text and nothing else: nothing of it is run.
 */
create or replace function pgq._template_parts(template text)
  returns table (name text, plain text)
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  c_part constant text := '[{][{]|[}][}]|[{][^][{}.!:]+[}]|[^{}]+';
begin
  if regexp_replace(template collate "C", c_part, '', 'g') <> '' then
    return;
  end if;
  return query
  select
    case when part[1] ~ '^[{][^{]' then btrim(part[1], '{}') end,
    case
      when part[1] in ('{{', '}}') then left(part[1], 1)
      when left(part[1], 1) <> '{' then part[1]
    end
  from regexp_matches(template collate "C", format('(%s)', c_part), 'g') as part;
end
$$;

comment on function pgq._template_parts is
  'The parts of a template in their order: text, or a {name}.';
