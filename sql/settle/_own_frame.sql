/*
 * Where an error arose: the file name and the function of the innermost frame of a traceback that
 * is not of a library. It leaves out the number of the line, which changes with every release.
 * Null says that there is no such frame, or that we cannot read it.
 *
 * Python names the innermost frame last. JavaScript, Java, .NET, Ruby and Go name it first. It
 * reads up to 200 lines and 8,000 characters from that end, however long the traceback is.
 */
create or replace function pgq._own_frame(traceback text)
  returns text
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
declare
  c_foreign constant text[] := array[
    '%site-packages%', '%dist-packages%', '%/lib/python%', E'%\\\\Lib\\\\%', '%<frozen %',
    '%node_modules%', '% node:%', '%(node:%', '%/gems/%', '%/lib/ruby/%', '%<internal:%',
    '%/go/src/%', '%/go-_.__/src/%', '%/pkg/mod/%',
    '%at java.%', '%at javax.%', '%at jdk.%', '%at sun.%', '%at kotlin.%', '%at scala.%',
    '%at System.%', '%at Microsoft.%'
  ];
  v_end constant text collate "C" := right(traceback, 8000);
  v_python constant boolean := v_end like '%File "%", line %';
  v_lines constant text[] := string_to_array(
    case when v_python then v_end else left(traceback, 8000) end, E'\n'
  );
  v_count constant integer := coalesce(cardinality(v_lines), 0);
  v_line text collate "C";
  v_file text;
begin
  for v_step in 1 .. least(v_count, 200) loop
    v_line := v_lines[case when v_python then v_count + 1 - v_step else v_step end];
    continue when v_line like any (c_foreign);
    if v_python then
      continue when v_line not like '%File "%", line %, in %';
      return left(
        regexp_replace(split_part(v_line, '"', 2), E'^.*[/\\\\]', '')
        || ' ' || rtrim(split_part(v_line, ', in ', 2), E'\r'),
        200
      );
    end if;
    continue when (
      ltrim(v_line, E' \t') like 'at %:%' or v_line like '%:%:in %' or v_line like E'\t%.go:%'
    ) is not true;
    v_file := (regexp_match(v_line, E'([^]/\\\\ (:[\t]+):(?:line )?[0-9]'))[1];
    continue when v_file is null;
    return left(
      concat_ws(' ', v_file, coalesce(
        (regexp_match(v_line, E'^[ \t]*at (async |new )*([^ (]+) ?[(]'))[2],
        (regexp_match(v_line, E':in [`'']([^'']*)'))[1],
        -- Go names the function on the line before.
        case when v_line like E'\t%.go:%' then substring(v_lines[v_step - 1], '^(.*)[(][^(]*$') end
      )),
      200
    );
  end loop;
  return null;
end
$$;

comment on function pgq._own_frame is
  'File name and function of the innermost frame of a traceback that is not of a library.';
