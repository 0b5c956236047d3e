/*
 * The days of the history that are due, see _history_days_due(). A day can be made anew
 * (can_shrink) if all that succeeded must go, and the rest is at most 10,000 jobs of 64 MB.
 */
create or replace function pgq._history_walks_due()
  returns table (day date, rules text, last_id bigint, all_states boolean, can_shrink boolean)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_is_empty constant boolean := not exists (select from pgq.job_history_default);
begin
  return query
  select due.day, due.rules, due.last_id, due.all_states,
    v_is_empty and due.only_failures and pgq._few_unsucceeded(due.day)
  from pgq._history_days_due() as due
  order by due.day;
end
$$;

comment on function pgq._history_walks_due is
  'The days of the history that must be read, and whether they can be made anew.';
