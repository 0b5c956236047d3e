/*
 * Close a batch: from now on only its own jobs can add jobs. It finishes when its last job has
 * ended, or at once if it has none. Answers whether it was open.
 */
create or replace function pgq.close_batch(batch_id bigint)
  returns boolean
  language plpgsql
  security definer
  set search_path = pg_catalog, pg_temp
as $$
#variable_conflict use_column
declare
  v_now constant timestamptz := pgq._now();
  v_step record;
begin
  update pgq.batches
  set closed_at = v_now
  where id = close_batch.batch_id
    and closed_at is null;
  if found then
    v_step := pgq._finish_batch(close_batch.batch_id, v_now);
    if not v_step.done then
      insert into pgq.releases (batch_id)
      values (close_batch.batch_id);
    end if;
    -- Who may make batches closes its own; an actor's name says that it is more than that.
    if pgq._actor() is not null
      or not has_function_privilege(session_user, 'pgq.create_batch'::regproc, 'execute')
    then
      perform pgq._audit_call('close_batch', close_batch.batch_id::text);
    end if;
    return true;
  end if;

  if not exists (select from pgq.batches where id = close_batch.batch_id) then
    raise exception 'batch % does not exist', coalesce(close_batch.batch_id::text, 'null')
      using errcode = 'JQ002',
            hint = 'Pass an id that create_batch() returned; old batches go with the history.';
  end if;
  return false;
end
$$;

comment on function pgq.close_batch is
  'Close a batch, so that only its own jobs can add jobs; answers whether it was open.';
