/*
 * Which pauses keep a ready job of this task and key from being claimed, besides that of its queue.
 */
create or replace function pgq._why_paused(
  queue text,
  task text,
  partition_key text,
  now_at timestamptz
)
  returns table (reason text, explanation text, until timestamptz)
  language plpgsql
  stable
  set search_path = pg_catalog, pg_temp
as $$
begin
  return query
  select 'pause', format('its %s is paused %s',
    case pause.kind when 'task' then 'task' else 'partition key' end,
    case when pause.paused_until is null then 'until somebody resumes it' else 'for a while' end
  ), pause.paused_until
  from pgq.pauses as pause
  where (
      pause.kind = 'task' and pause.queue = '' and pause.name = _why_paused.task
      or pause.kind = 'partition' and pause.queue = _why_paused.queue
        and pause.name = _why_paused.partition_key
        and pgq._tenant_key(_why_paused.queue) is not null
    )
    and (pause.paused_until is null or pause.paused_until > now_at);
end
$$;

comment on function pgq._why_paused is
  'Which pauses keep a ready job from being claimed, besides that of its queue.';
