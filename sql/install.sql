-- What a database with pgq holds, in the order in which a job meets it.
-- Alone: psql -1 -f sql/install.sql (as the role that shall own it; no superuser needed).

-- Group: the schema and its clock
\ir check_owner.sql
\ir schema.sql
\ir tables/schema_version.sql
\ir tables/installed_objects.sql
\ir functions/_now.sql
\ir functions/version.sql
\ir functions/_protocol.sql

-- Group: tables
\ir tables/settings.sql
\ir triggers/settings_replace.sql
\ir tables/queues.sql
\ir tables/rate_buckets.sql
\ir tables/turns.sql
\ir tables/jobs.sql
\ir tables/key_windows.sql
\ir tables/queued_keys.sql
\ir tables/scheduled.sql
\ir tables/blocked.sql
\ir tables/dependencies.sql
\ir tables/ready.sql
\ir tables/ready_marks.sql
\ir tables/scheduled_mark.sql
\ir tables/note_mark.sql
\ir tables/running.sql
\ir tables/slots.sql
\ir tables/semaphores.sql
\ir tables/batches.sql
\ir tables/awaited.sql
\ir tables/awaited_batches.sql
\ir tables/releases.sql
\ir tables/cancel_requests.sql
\ir tables/job_history.sql
\ir tables/workers.sql
\ir tables/worker_orders.sql
\ir tables/silences.sql
\ir tables/maintenance.sql
\ir tables/schedules.sql
\ir tables/schedule_runs.sql

-- Group: views that functions read
\ir views/all_jobs.sql

-- Group: reading and checking what callers pass
\ir functions/_later.sql
\ir functions/_seconds.sql
\ir functions/_shown.sql
\ir functions/_parse_json.sql
\ir functions/_result_problem.sql
\ir functions/_parse_results.sql
\ir functions/_complete_some.sql
\ir functions/_to_json.sql
\ir functions/_parse_backoff.sql
\ir functions/_delays_by_job.sql
\ir functions/_key_problem.sql
\ir functions/_unreadable.sql
\ir functions/_job_problem.sql
\ir functions/_raise_invalid_job.sql
\ir functions/_job_rows.sql
\ir functions/_parse_backoffs.sql
\ir functions/_coordination_problem.sql
\ir functions/_concurrency.sql
\ir functions/_new_job.sql
\ir functions/_keyed_jobs.sql
\ir functions/_check_job_shapes.sql
\ir functions/_raise_wrong_type.sql
\ir functions/_check_jobs.sql
\ir functions/_check_refs.sql
\ir functions/_resolve_refs.sql

-- Group: moving jobs between lanes
\ir functions/_turn_key.sql
\ir functions/_put_waiting.sql
\ir functions/_put_aside.sql
\ir functions/_drop_slots.sql
\ir functions/_give_slots_back.sql
\ir functions/_tell_awaiting.sql
\ir functions/_tell_awaiting_batch.sql
\ir functions/_with_children.sql
\ir functions/_note_ended.sql
\ir functions/_leave_blocked.sql
\ir functions/_take_waiting.sql
\ir functions/_backoff_delay.sql
\ir functions/_hand_back.sql
\ir functions/_end_jobs.sql

-- Group: the calendar
\ir functions/_cron_error.sql
\ir functions/_cron_field.sql
\ir functions/_cron_fields.sql
\ir functions/_cron_weekdays.sql
\ir functions/_cron_lowest.sql
\ir functions/_cron_parse.sql
\ir functions/_cron_never.sql
\ir functions/_cron_days.sql
\ir functions/_cron_label.sql
\ir functions/_zone_name.sql
\ir functions/_zone_change.sql
\ir functions/_local_instant.sql
\ir functions/_cron_near_change.sql
\ir functions/_cron_after.sql
\ir functions/cron_next.sql
\ir functions/cron_preview.sql

-- Group: produce
\ir functions/_change_job.sql
\ir functions/_insert_job.sql
\ir functions/_insert_plain_jobs.sql
\ir functions/_insert_jobs.sql
\ir functions/_window_job.sql
\ir functions/_keep_key.sql
\ir functions/_still_owns.sql
\ir functions/_owner_or_error.sql
\ir functions/_insert_or_find.sql
\ir functions/_insert_keyed_job.sql
\ir functions/_keep_keys.sql
\ir functions/_store_keyed_jobs.sql
\ir functions/_insert_keyed_jobs.sql
\ir functions/_change_owners.sql
\ir functions/_batch_key.sql
\ir functions/_join_batch.sql
\ir functions/_join_batches.sql
\ir functions/_enqueue_job.sql
\ir functions/_enqueue.sql
\ir functions/enqueue.sql
\ir functions/_enqueue_many.sql
\ir functions/enqueue_many.sql
\ir functions/enqueue_trigger.sql

-- Group: wake workers
\ir functions/_selects.sql
\ir functions/_wake_workers.sql
\ir functions/_notify_ready.sql
\ir triggers/blocked_notify.sql
\ir triggers/scheduled_notify.sql

-- Group: promote
\ir functions/_tokens.sql
\ir functions/_tenants.sql
\ir functions/_next_token_at.sql
\ir functions/_let_go.sql
\ir functions/_release_children.sql
\ir functions/_fail_children.sql
\ir functions/_rooms.sql
\ir functions/_fill_slots.sql
\ir functions/_discard_waiters.sql
\ir functions/_promote_waiters.sql
\ir functions/_batch_lives.sql
\ir functions/_batch_followers.sql
\ir functions/_finish_batch.sql
\ir functions/_take_notes.sql
\ir functions/_work_off_releases.sql
\ir functions/_pass_on.sql
\ir functions/_hold_parents.sql
\ir functions/_new_behind.sql
\ir functions/_first_note.sql
\ir functions/_promote_noted.sql
\ir functions/_promote_new.sql
\ir functions/promote_due.sql

-- Group: batches
\ir functions/_follower.sql
\ir functions/create_batch.sql
\ir functions/close_batch.sql
\ir functions/batch_progress.sql

-- Group: consume
\ir functions/_check_protocol.sql
\ir functions/_timeline.sql
\ir functions/_note_session.sql
\ir functions/_note_silence.sql
\ir functions/_silence.sql
\ir functions/register_worker.sql
\ir functions/_check_claim.sql
\ir functions/_may_claim.sql
\ir functions/_ready_ranges.sql
\ir functions/_ready_queues.sql
\ir functions/_claimable_queues.sql
\ir functions/_ready_parts.sql
\ir functions/_best_ready.sql
\ir functions/_take_ready.sql
\ir functions/_lock_limits.sql
\ir functions/_refuse_old_snapshot.sql
\ir functions/_tokens_left.sql
\ir functions/_spend_tokens.sql
\ir functions/_room.sql
\ir functions/_take_tenants.sql
\ir functions/_take_in_turn.sql
\ir functions/_take_limited.sql
\ir functions/_take_found.sql
\ir functions/_take_shares.sql
\ir functions/_take_from_queues.sql
\ir functions/_note_idle.sql
\ir functions/_free_queued_keys.sql
\ir functions/claim_batch.sql
\ir functions/heartbeat.sql
\ir functions/set_progress.sql

-- Group: settle
\ir functions/_check_pairs.sql
\ir functions/_held_jobs.sql
\ir functions/_hold_claims.sql
\ir functions/_take_over.sql
\ir functions/_cancel_requested.sql
\ir functions/_outcomes.sql
\ir functions/_settled.sql
\ir functions/_note_errors.sql
\ir functions/_put_back.sql
\ir functions/complete_batch.sql
\ir functions/fail_batch.sql
\ir functions/snooze_batch.sql
\ir functions/release_batch.sql
\ir functions/release_unanswered.sql

-- Group: rescue
\ir functions/_fail_lost_runs.sql
\ir functions/deregister_worker.sql
\ir functions/report_lost_worker.sql
\ir functions/_give_up_workers.sql
\ir functions/rescue_lost_workers.sql

-- Group: operate
\ir functions/result.sql
\ir functions/results.sql
\ir functions/await_jobs.sql
\ir functions/await_batch.sql
\ir functions/parent_results.sql
\ir functions/_cancel_jobs.sql
\ir functions/cancel.sql
\ir functions/is_cancelled.sql
\ir functions/_revive.sql
\ir functions/_in_states.sql
\ir functions/retry.sql
\ir functions/_count_forgotten.sql
\ir functions/discard.sql
\ir functions/run_now.sql
\ir functions/_job_like.sql
\ir functions/enqueue_again.sql
\ir functions/reprioritise.sql
\ir functions/_find_live.sql
\ir functions/_find_past.sql
\ir functions/find_jobs.sql
\ir functions/count_jobs.sql
\ir functions/_past_pauses.sql
\ir functions/_note_new_queue.sql
\ir functions/pause_queue.sql
\ir functions/resume_queue.sql
\ir functions/queue_latency.sql
\ir functions/_limits_problem.sql
\ir functions/_count_running.sql
\ir functions/_key_strays.sql
\ir functions/_put_queue.sql
\ir functions/configure_queue.sql
\ir functions/clear_queue.sql
\ir functions/order_worker.sql
\ir functions/configure.sql
\ir functions/configure_semaphore.sql
\ir functions/release_semaphore.sql
\ir functions/unique_key_owner.sql
\ir functions/release_unique_key.sql

-- Group: time
\ir functions/_last_tick.sql
\ir functions/_first_tick.sql
\ir functions/_tick_jobs.sql
\ir functions/_schedule_problem.sql
\ir functions/_check_schedule_job.sql
\ir functions/_read_schedule.sql
\ir functions/_raise_static.sql
\ir functions/_put_schedule.sql
\ir functions/_schedule.sql
\ir functions/schedule.sql
\ir functions/unschedule.sql
\ir functions/_lock_schedule.sql
\ir functions/pause_schedule.sql
\ir functions/resume_schedule.sql
\ir functions/run_schedule_now.sql
\ir functions/prune_schedule_history.sql
\ir functions/_due_from.sql
\ir functions/_due_ticks.sql
\ir functions/_fire_schedule.sql
\ir functions/_stop_schedule.sql
\ir functions/_next_firing.sql
\ir functions/fire_due_schedules.sql
\ir functions/_check_schedule_list.sql
\ir functions/_read_static.sql
\ir functions/_sync_schedules.sql
\ir functions/sync_schedules.sql

-- Group: maintain
\ir functions/_expire_due.sql
\ir functions/_expire_slots.sql
\ir functions/_tend_limits.sql
\ir functions/_end_overdue_runs.sql
\ir functions/_apply_cancel_requests.sql
\ir functions/_worked_queues.sql
\ir functions/_advance_marks.sql
\ir functions/_advance_scheduled_mark.sql
\ir functions/_advance_note_mark.sql
\ir functions/_stamp_restored.sql
\ir functions/_prune_schedule_runs.sql
\ir functions/_prune_batches.sql
\ir functions/_prune_awaited.sql
\ir functions/_prune_windows.sql
\ir functions/_close_types.sql
\ir functions/_make_private.sql
\ir functions/_make_partitions.sql
\ir functions/_history_days.sql
\ir functions/_drop_history.sql
\ir functions/_prune_days.sql
\ir functions/_prune_default.sql
\ir functions/_prune_history.sql
\ir functions/prune.sql
\ir functions/_mend_clock.sql
\ir functions/_do_step.sql
\ir functions/maintain.sql
\ir functions/_verify_lanes.sql
\ir functions/_verify_blocked.sql
\ir functions/_verify_slots.sql
\ir functions/_verify_batches.sql
\ir functions/verify.sql

-- Group: health
\ir functions/_grade.sql
\ir functions/_some.sql
\ir functions/_span.sql
\ir functions/_living_workers.sql
\ir functions/_ready_heads.sql
\ir functions/_ready_tasks.sql
\ir functions/_health_lanes.sql
\ir functions/_health_workers.sql
\ir functions/_health_queues.sql
\ir functions/_health_maintenance.sql
\ir functions/_health_clockwork.sql
\ir functions/_health_settings.sql
\ir functions/_health_history.sql
\ir functions/_stuck_semaphores.sql
\ir functions/_health_limits.sql
\ir functions/_health_failures.sql
\ir functions/_rates.sql
\ir functions/_health_backlog.sql
\ir functions/_health_slots.sql
\ir functions/_health_locks.sql
\ir functions/_health_clocks.sql
\ir functions/_health_invariants.sql
\ir functions/_health_versions.sql
\ir functions/_snapshot_holders.sql
\ir functions/_health_snapshots.sql
\ir functions/_is_off.sql
\ir functions/_health_vacuum.sql
\ir functions/_health_wraparound.sql
\ir functions/_health_objects.sql
\ir functions/_as_pgq.sql
\ir functions/_seen_functions.sql
\ir functions/_seen_tables.sql
\ir functions/_seen_indexes.sql
\ir functions/_seen_grants.sql
\ir functions/_fingerprint.sql
\ir functions/_note_installed.sql
\ir functions/_strangers.sql
\ir functions/_drift.sql
\ir functions/_health_drift.sql
\ir functions/connection_budget.sql
\ir functions/_health_server.sql
\ir functions/health.sql

-- Group: look
\ir views/failed_jobs.sql
\ir views/blocked_jobs.sql
\ir views/batch_status.sql
\ir views/job_links.sql
\ir views/semaphore_status.sql
\ir views/queue_stats.sql
\ir views/queue_settings.sql
\ir views/queue_limits.sql
\ir views/worker_status.sql
\ir views/schedule_status.sql
\ir views/schedule_history.sql

-- Group: the first days of history
\ir first_partitions.sql

-- Group: who may do what
\ir grants.sql

-- Group: what was installed, to compare with later
\ir note_installed.sql
