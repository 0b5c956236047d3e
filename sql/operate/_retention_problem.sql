create or replace function pgq._retention_problem(
  queue text,
  task text,
  ages interval[],
  of_schedules boolean,
  reset text[]
)
  returns text
  language plpgsql
  immutable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return case
    when queue is not null and task is not null then 'both a queue and a task are named'
    when length(queue) not between 1 and 128
    then 'queue is empty or longer than 128 characters'
    when length(task) not between 1 and 256
    then 'task is empty or longer than 256 characters'
    when of_schedules and (queue is not null or task is not null)
    then 'the history of schedules has no queue and no task'
    when exists (
      select from unnest(ages) with ordinality as given (age, place)
      where not isfinite(age) or (
          age not between interval '1 day' and interval '100 years'
          and (place > 1 or age <> interval '0')
        )
    ) then 'an age is under a day, infinite or over a hundred years'
    when array_ndims(reset) > 1 or exists (
      select from unnest(reset) as name
      where (
        name in ('succeeded', 'failed', 'cancelled', 'results', 'schedule_history', 'all')
      ) is not true
    ) then 'reset names an age that there is not'
  end;
end
$$;

comment on function pgq._retention_problem is
  'What is wrong with arguments of configure_retention(); null: nothing.';
