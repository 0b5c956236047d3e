-- What a database with pgq holds, in the order in which a job meets it.
-- Alone: psql -1 -f sql/install.sql (as the role that will own it; no superuser needed).

-- Group: the schema and its clock
\ir check_owner.sql
\ir schema.sql
\ir tables/schema_version.sql
\ir tables/installed_objects.sql
\ir lib/_dead_rows_pile_up.sql
\ir lib/_now.sql
\ir lib/version.sql
\ir lib/_protocol.sql

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
\ir tables/id_marks.sql
\ir tables/running.sql
\ir tables/slots.sql
\ir tables/key_marks.sql
\ir tables/semaphores.sql
\ir tables/batches.sql
\ir tables/awaited.sql
\ir tables/awaited_batches.sql
\ir tables/releases.sql
\ir tables/cancel_requests.sql
\ir tables/job_history.sql
\ir tables/workers.sql
\ir tables/past_workers.sql
\ir triggers/workers_remember.sql
\ir tables/worker_orders.sql
\ir tables/silences.sql
\ir tables/ended_sessions.sql
\ir tables/maintenance.sql
\ir tables/bulk_operations.sql
\ir tables/stat_samples.sql
\ir tables/stat_depths.sql
\ir tables/stat_depth_hours.sql
\ir tables/stat_deltas.sql
\ir tables/stat_folds.sql
\ir tables/stat_series.sql
\ir tables/stat_minutes.sql
\ir tables/stat_totals.sql
\ir tables/stat_now.sql
\ir tables/schedules.sql
\ir tables/schedule_runs.sql
\ir tables/audit.sql

-- Group: views that functions read
\ir views/all_jobs.sql

-- Group: reading and checking what callers pass
\ir lib/_add_interval.sql
\ir lib/_seconds.sql
\ir lib/_id_increment.sql
\ir lib/_history_partitions.sql
\ir lib/_shorten.sql
\ir lib/_cut.sql
\ir lib/_actor.sql
\ir lib/_count_words.sql
\ir lib/_audit_call.sql
\ir lib/_audit_jobs.sql
\ir lib/_parse_json.sql
\ir settle/_result_problem.sql
\ir settle/_parse_results.sql
\ir settle/_complete_or_refuse.sql
\ir lib/_to_json.sql
\ir lib/_parse_backoff.sql
\ir settle/_delays_by_job.sql
\ir types/job_options.sql
\ir lib/_json_problem.sql
\ir lib/_task_problem.sql
\ir lib/_unique_key_problem.sql
\ir lib/_coordination_problem.sql
\ir lib/_job_problem.sql
\ir lib/_raise_invalid_job.sql
\ir lib/_job_rows.sql
\ir lib/_parse_backoffs.sql
\ir lib/_concurrency_json.sql
\ir lib/_new_job.sql
\ir lib/_check_count.sql
\ir lib/_check_job_shapes.sql
\ir lib/_raise_wrong_type.sql
\ir lib/_check_jobs.sql
\ir lib/_check_refs.sql
\ir enqueue/_resolve_refs.sql

-- Group: moving jobs between lanes
\ir lanes/_tenant_key.sql
\ir lanes/_place_in_lane.sql
\ir lanes/_place_new_jobs.sql
\ir unblock/_delete_slots.sql
\ir unblock/_release_slots.sql
\ir unblock/_notify_awaiting.sql
\ir unblock/_notify_awaiting_batch.sql
\ir unblock/_with_children.sql
\ir unblock/_note_ended.sql
\ir unblock/_remove_from_blocked.sql
\ir lanes/_remove_from_lane.sql
\ir lanes/_backoff_delay.sql
\ir lib/_microseconds.sql
\ir lib/_bucket_letter.sql
\ir lanes/_count_outcome.sql
\ir lanes/_reschedule_claimed.sql
\ir lanes/_error_entry.sql
\ir lanes/_with_error.sql
\ir lanes/_end_jobs.sql

-- Group: the calendar
\ir cron/_raise_cron_error.sql
\ir cron/_parse_cron_field.sql
\ir cron/_cron_fields.sql
\ir cron/_parse_cron_weekdays.sql
\ir cron/_lowest_bit.sql
\ir cron/_parse_cron.sql
\ir cron/_raise_cron_never_due.sql
\ir cron/_cron_days.sql
\ir cron/_cron_local_time.sql
\ir cron/_read_time_zone.sql
\ir cron/_zone_offset_change.sql
\ir cron/_instant_of_local_time.sql
\ir cron/_cron_near_offset_change.sql
\ir cron/_cron_after.sql
\ir cron/cron_next.sql
\ir cron/cron_preview.sql

-- Group: produce
\ir enqueue/_replace_or_bump_job.sql
\ir enqueue/_insert_job.sql
\ir lanes/_insert_plain_jobs.sql
\ir lanes/_insert_jobs.sql
\ir enqueue/_key_window_owner.sql
\ir enqueue/_set_key_scope.sql
\ir enqueue/_still_owns_key.sql
\ir enqueue/_owner_or_error.sql
\ir enqueue/_insert_or_find_owner.sql
\ir enqueue/_upsert_keyed_job.sql
\ir enqueue/_open_key_windows.sql
\ir enqueue/_insert_free_keyed_jobs.sql
\ir enqueue/_insert_or_find_owners.sql
\ir enqueue/_replace_or_bump_owners.sql
\ir lib/_batch_lock_key.sql
\ir enqueue/_join_batch.sql
\ir enqueue/_join_batches.sql
\ir enqueue/_enqueue_job.sql
\ir enqueue/_enqueue.sql
\ir enqueue/enqueue.sql
\ir enqueue/_enqueue_many.sql
\ir enqueue/enqueue_many.sql
\ir enqueue/enqueue_trigger.sql

-- Group: wake workers
\ir lanes/_selector_matches.sql
\ir lanes/_wake_workers.sql
\ir lanes/_notify_ready.sql
\ir triggers/blocked_notify.sql
\ir triggers/scheduled_notify.sql

-- Group: promote
\ir limits/_bucket_tokens.sql
\ir limits/_tenants_of_few.sql
\ir limits/_next_tenants.sql
\ir limits/_next_token_at.sql
\ir unblock/_unblock_children.sql
\ir unblock/_release_children.sql
\ir unblock/_tell_children_of_failure.sql
\ir lanes/_first_xid.sql
\ir unblock/_waiting_parts.sql
\ir unblock/_best_waiters.sql
\ir limits/_semaphore_capacity.sql
\ir unblock/_lock_waiters.sql
\ir unblock/_fill_slots.sql
\ir unblock/_first_slot.sql
\ir unblock/_waiting_places.sql
\ir unblock/_mark_semaphores.sql
\ir unblock/_discard_waiters.sql
\ir unblock/_promote_waiters.sql
\ir unblock/_batch_has_live_jobs.sql
\ir unblock/_batch_callbacks.sql
\ir unblock/_finish_batch.sql
\ir unblock/_lock_releases.sql
\ir unblock/_work_off_releases.sql
\ir unblock/_after_success.sql
\ir promote/_lock_parents_return_others.sql
\ir promote/_random_blocked_after.sql
\ir promote/_first_id_to_read.sql
\ir lanes/_first_left.sql
\ir promote/_move_id_mark.sql
\ir promote/_promote_from_releases.sql
\ir promote/_up_to_parents.sql
\ir promote/_check_new_blocked.sql
\ir promote/promote_due.sql

-- Group: batches
\ir batches/_read_batch_callback.sql
\ir batches/create_batch.sql
\ir batches/close_batch.sql
\ir batches/batch_progress.sql

-- Group: consume
\ir workers/_check_protocol.sql
\ir lib/_wal_timeline.sql
\ir workers/_note_session.sql
\ir workers/_note_silence.sql
\ir lib/_worker_silence.sql
\ir workers/register_worker.sql
\ir workers/workers_beside.sql
\ir claim/_check_claim_arguments.sql
\ir claim/_may_claim.sql
\ir lanes/_ready_ranges.sql
\ir lanes/_ready_queues.sql
\ir claim/_claimable_queues.sql
\ir claim/_ready_parts.sql
\ir claim/_best_ready.sql
\ir claim/_claim_ready.sql
\ir limits/_try_lock_limits.sql
\ir claim/_refuse_old_snapshot.sql
\ir limits/_whole_tokens_left.sql
\ir limits/_spend_tokens.sql
\ir limits/_queue_capacity.sql
\ir claim/_claim_tenants.sql
\ir claim/_claim_in_turn.sql
\ir limits/_mark_running.sql
\ir claim/_claim_limited.sql
\ir claim/_claim_found.sql
\ir claim/_claim_shares.sql
\ir claim/_claim_from_queues.sql
\ir claim/_note_idle.sql
\ir claim/_free_queued_keys.sql
\ir claim/claim_batch.sql
\ir workers/heartbeat.sql
\ir settle/set_progress.sql

-- Group: settle
\ir settle/_check_claim_pairs.sql
\ir settle/_match_claims.sql
\ir settle/_lock_claims.sql
\ir lanes/_revoke_claims.sql
\ir settle/_with_cancel_request.sql
\ir settle/_outcomes.sql
\ir settle/_outcomes_with_state.sql
\ir settle/_error_pattern.sql
\ir settle/_own_frame.sql
\ir settle/_error_fingerprint.sql
\ir settle/_append_errors.sql
\ir settle/_settle_unfinished.sql
\ir settle/complete_batch.sql
\ir settle/fail_batch.sql
\ir settle/snooze_batch.sql
\ir settle/release_batch.sql
\ir settle/release_unanswered.sql

-- Group: rescue
\ir workers/_fail_lost_runs.sql
\ir workers/_fail_all_runs.sql
\ir workers/deregister_worker.sql
\ir workers/report_lost_worker.sql
\ir workers/_note_ended_sessions.sql
\ir workers/_is_cut_off.sql
\ir workers/_give_up_workers.sql
\ir workers/rescue_lost_workers.sql
\ir workers/_prune_past_workers.sql

-- Group: operate
\ir operate/result.sql
\ir operate/results.sql
\ir operate/await_jobs.sql
\ir batches/await_batch.sql
\ir operate/parent_results.sql
\ir operate/_cancel_jobs.sql
\ir operate/cancel.sql
\ir operate/is_cancelled.sql
\ir operate/_reopen_finished_jobs.sql
\ir operate/_lock_jobs_in_states.sql
\ir operate/_retry_jobs.sql
\ir operate/retry.sql
\ir lanes/_delete_jobs.sql
\ir lanes/_count_forgotten.sql
\ir operate/_discard_jobs.sql
\ir operate/discard.sql
\ir operate/_run_jobs_now.sql
\ir operate/run_now.sql
\ir enqueue/_job_to_copy.sql
\ir enqueue/enqueue_again.sql
\ir operate/_reprioritise_jobs.sql
\ir operate/reprioritise.sql
\ir operate/_find_live_jobs.sql
\ir operate/_find_finished_jobs.sql
\ir operate/find_jobs.sql
\ir operate/count_jobs.sql
\ir operate/_find_fitting_jobs.sql
\ir operate/_find_bulk_page.sql
\ir operate/_lock_free_jobs.sql
\ir operate/_act_on_jobs.sql
\ir operate/_count_bulk_outcomes.sql
\ir operate/_bulk_jobs_done.sql
\ir operate/_bulk_filters.sql
\ir operate/_bulk_progress.sql
\ir operate/_note_bulk_page.sql
\ir operate/_work_off_page.sql
\ir operate/_work_off_bulk.sql
\ir operate/_prune_bulk_operations.sql
\ir operate/_check_bulk.sql
\ir operate/_estimate_bulk.sql
\ir operate/_insert_bulk.sql
\ir operate/bulk_start.sql
\ir operate/bulk_stop.sql
\ir operate/bulk_status.sql
\ir operate/bulk_work.sql
\ir limits/_past_pauses.sql
\ir limits/_notice_unknown_queue.sql
\ir limits/pause_queue.sql
\ir limits/resume_queue.sql
\ir limits/_unpaused_time.sql
\ir operate/queue_latency.sql
\ir limits/_limits_problem.sql
\ir limits/_mark_running_limited.sql
\ir limits/_set_missing_tenant_keys.sql
\ir limits/_write_queue_options.sql
\ir limits/configure_queue.sql
\ir operate/clear_queue.sql
\ir workers/order_worker.sql
\ir operate/configure.sql
\ir operate/audit_log.sql
\ir limits/configure_semaphore.sql
\ir limits/release_semaphore.sql
\ir limits/unique_key_owner.sql
\ir limits/release_unique_key.sql

-- Group: time
\ir schedules/_last_tick.sql
\ir schedules/_first_tick.sql
\ir schedules/_options_of_tick_jobs.sql
\ir schedules/_tick_jobs.sql
\ir schedules/_schedule_problem.sql
\ir schedules/_check_schedule_job.sql
\ir schedules/_read_schedule.sql
\ir schedules/_raise_not_of_source.sql
\ir schedules/_upsert_schedule.sql
\ir schedules/_schedule.sql
\ir schedules/schedule.sql
\ir schedules/unschedule.sql
\ir schedules/_lock_schedule.sql
\ir schedules/pause_schedule.sql
\ir schedules/resume_schedule.sql
\ir schedules/run_schedule_now.sql
\ir schedules/_prune_schedule_runs.sql
\ir schedules/prune_schedule_history.sql
\ir schedules/_due_from.sql
\ir schedules/_due_ticks.sql
\ir schedules/_fire_schedule.sql
\ir schedules/_pause_broken_schedule.sql
\ir schedules/_next_firing.sql
\ir schedules/fire_due_schedules.sql
\ir schedules/_check_schedule_list.sql
\ir schedules/_read_synced_schedule.sql
\ir schedules/_sync_schedules.sql
\ir schedules/sync_schedules.sql

-- Group: statistics
\ir lanes/_oldest_ready.sql
\ir lanes/_lag.sql
\ir statistics/_count_ready.sql
\ir statistics/_pages_to_count.sql
\ir statistics/_lane_counts.sql
\ir statistics/_known_queues.sql
\ir statistics/_failed_counts.sql
\ir statistics/_measure_depths.sql
\ir statistics/_measure_house.sql
\ir statistics/_sample_depths.sql
\ir statistics/_roll_up_depths.sql
\ir statistics/_prune_depths.sql
\ir statistics/depths.sql
\ir statistics/_length_of_steps.sql
\ir statistics/_depths_between.sql
\ir statistics/depth_history.sql
\ir statistics/_histogram.sql
\ir statistics/_add_histograms.sql
\ir statistics/_note_series.sql
\ir statistics/_add_to_statistics.sql
\ir statistics/_take_deltas.sql
\ir statistics/_fold_statistics.sql
\ir statistics/_metric_families.sql
\ir statistics/_queue_metrics.sql
\ir statistics/_house_metrics.sql
\ir statistics/_sampled_metrics.sql
\ir statistics/_metric_labels.sql
\ir statistics/_counted_metrics.sql
\ir statistics/metrics.sql
\ir operate/_flow_edges.sql
\ir operate/_flow_neighbours.sql
\ir operate/_flow_jobs.sql
\ir operate/_flow_nodes.sql
\ir operate/_flow_left_out.sql
\ir operate/_draw_flow.sql
\ir operate/flow_graph.sql

-- Group: maintain
\ir maintain/_expire_jobs.sql
\ir limits/_expire_slots.sql
\ir limits/_maintain_limits.sql
\ir workers/_end_overdue_runs.sql
\ir operate/_apply_cancel_requests.sql
\ir operate/_prune_audit.sql
\ir maintain/_worked_queues_without_mark.sql
\ir maintain/_advance_marks.sql
\ir maintain/_advance_id_marks.sql
\ir maintain/_forget_key_marks.sql
\ir maintain/_restamp_restored_jobs.sql
\ir batches/_prune_batches.sql
\ir maintain/_prune_awaited.sql
\ir maintain/_prune_key_windows.sql
\ir maintain/_revoke_type_usage.sql
\ir maintain/_revoke_default_grants.sql
\ir maintain/_days_in_default_partition.sql
\ir maintain/_make_history_partition.sql
\ir maintain/_make_history_partitions.sql
\ir maintain/_drop_history_partition.sql
\ir maintain/_prune_history_days.sql
\ir maintain/_prune_default_partition.sql
\ir maintain/_prune_history.sql
\ir maintain/prune.sql
\ir maintain/_repair_future_times.sql
\ir maintain/_do_step.sql
\ir maintain/maintain.sql
\ir maintain/_verify_lanes.sql
\ir maintain/_verify_blocked.sql
\ir maintain/_verify_slots.sql
\ir maintain/_verify_marks.sql
\ir maintain/_verify_batches.sql
\ir maintain/verify.sql

-- Group: health
\ir health/_status_above.sql
\ir health/_list_briefly.sql
\ir lib/_format_interval.sql
\ir health/_living_workers.sql
\ir health/_ready_tasks.sql
\ir health/_ready_queue_waits.sql
\ir health/_stuck_semaphores.sql
\ir health/_queue_rates.sql
\ir health/_snapshot_holders.sql
\ir health/_advisory_lock_holders.sql
\ir health/_autovacuum_is_off.sql
\ir health/_normalise_schema_name.sql
\ir health/_current_functions.sql
\ir health/_current_tables.sql
\ir health/_current_indexes.sql
\ir health/_current_rules.sql
\ir health/_current_rows.sql
\ir health/_current_grants.sql
\ir health/_fingerprint.sql
\ir health/_note_installed.sql
\ir health/_foreign_owned_objects.sql
\ir health/_cure_of_drift.sql
\ir health/_drift.sql
\ir health/connection_budget.sql
\ir health/_hidden_checks.sql
-- It includes its checks.
\ir health/health.sql

-- Group: look
\ir views/job_states.sql
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
\ir views/schedule_states.sql
\ir views/schedule_history.sql

-- Group: texts in a database without an encoding
\ir utf8_only.sql

-- Group: the first days of history
\ir first_partitions.sql

-- Group: who may do what
\ir grants.sql

-- Group: what was installed, to compare with later
\ir note_installed.sql
