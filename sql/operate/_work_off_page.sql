/*
 * Do one page of a bulk operation whose row the caller holds: up to most jobs, in the order of
 * their ids. Return how many were tried.
 *
 * It does a hundred jobs at a time. If one of them has to wait for a unique key, the hundred are
 * tried again in the next round, one at a time. After three such waits the page ends. It also ends
 * after a second, because the rest of the housekeeping waits for it.
 */
create or replace function pgq._work_off_page(operation pgq.bulk_operations, most bigint)
  returns bigint
  language plpgsql
  set search_path = pg_catalog, pg_temp
as $$
declare
  v_now constant timestamptz := pgq._now();
  v_end constant timestamptz := clock_timestamp() + interval '1 second';
  v_step bigint := 100;
  v_ids bigint[];
  v_chunk bigint[];
  v_answered bigint[];
  v_words text[];
  v_up_to bigint;
  v_asked bigint := 0;
  v_waits bigint := 0;
begin
  operation.begun_at := coalesce(operation.begun_at, v_now);
  if operation.rounds = 0 then
    select ids, up_to into v_ids, v_up_to from pgq._find_bulk_page(operation, most);
  else
    v_ids := operation.busy[1:least(most, 50)];
  end if;
  while v_asked < cardinality(v_ids) and v_waits < 3 loop
    v_chunk := v_ids[v_asked + 1:v_asked + v_step];
    begin
      select array_agg(job_id), array_agg(outcome) into v_answered, v_words
      from pgq._act_on_jobs(
        operation, v_chunk,
        pgq._add_interval(
          greatest(operation.run_at, operation.begun_at),
          coalesce(operation.spread * pgq._bulk_progress(operation), '0')
        )
      );
    exception
      when lock_not_available then
        v_waits := v_waits + 1;
        if operation.rounds > 0 and v_step > 1 then
          v_step := 1;
          continue;
        end if;
        v_answered := v_chunk;
        v_words := array_fill('busy'::text, array[cardinality(v_chunk)]);
    end;
    operation := pgq._count_bulk_outcomes(operation, v_answered, v_words);
    v_asked := v_asked + cardinality(v_chunk);
    operation.last_id := greatest(operation.last_id, v_chunk[cardinality(v_chunk)]);
    exit when clock_timestamp() > v_end;
  end loop;
  if operation.rounds > 0 then
    operation.busy := operation.busy[v_asked + 1:];
  elsif v_asked = cardinality(v_ids) then
    operation.last_id := v_up_to;
  end if;
  perform pgq._note_bulk_page(operation, v_now);
  return v_asked;
end
$$;

comment on function pgq._work_off_page is
  'Do one page of a bulk operation; answers how many jobs were tried.';
