/*
 * Whether a claim wants jobs of a task. A list that begins with the empty text, which is no task,
 * names those that it does not want. Null: it wants all. Inlined: no settings.
 */
create or replace function pgq._is_wanted(task text, tasks text[])
  returns boolean
  language sql
  immutable
as $$
  select tasks is null or (task = any(tasks)) <> coalesce(tasks[1] = '', false)
$$;

comment on function pgq._is_wanted is 'Whether a claim wants jobs of a task.';
