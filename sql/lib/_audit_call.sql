/*
 * Note who called what, in the caller's transaction: the row is there if and only if the change
 * is. Every function that an operator may call, and that changes something, calls this once, at
 * its end. A call that affected nothing leaves no row.
 *
 * The role is the one that logged in, whatever rights the calling function has. What the
 * application says stands in a column of its own, because anybody can set it.
 */
create or replace function pgq._audit_call(
  action text,
  target text default null,
  options jsonb default null,
  ids bigint[] default null,
  affected bigint default null,
  outcomes jsonb default null,
  operation_id bigint default null
)
  returns void
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
begin
  if affected = 0 then
    return;
  end if;
  insert into pgq.audit (
    at, login, actor, address, action, target, options, ids, affected, outcomes, operation_id
  )
  values (
    pgq._now(), session_user, pgq._actor(), inet_client_addr(), action, left(target, 512),
    case
      when length(options::text) > 16000 then '{"too_long": true}'
      else (
        select jsonb_object_agg(key, value) from jsonb_each(options) where value <> 'null'
      )
    end,
    ids[1:100], affected, outcomes, operation_id
  );
end
$$;

comment on function pgq._audit_call is 'Note who called what, in the caller''s transaction.';
