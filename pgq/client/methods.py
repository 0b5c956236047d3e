# Written by generate.py from methods_async.py: change that one.
"""Every SQL function and every lookup as a method of clients."""

from __future__ import annotations

from pgq.calls import batches as batches_calls
from pgq.calls import bulk as bulk_calls
from pgq.calls import events as events_calls
from pgq.calls import health as health_calls
from pgq.calls import jobs as jobs_calls
from pgq.calls import look as look_calls
from pgq.calls import operate as operate_calls
from pgq.calls import pages as pages_calls
from pgq.calls import schedules as schedules_calls
from pgq.calls import search as search_calls
from pgq.calls import shards as shards_calls
from pgq.calls import tasks as tasks_calls
from pgq.calls import topics as topics_calls
from pgq.client.sending import sending


class Methods:
    """The methods of Client that send one call."""

    create_batch = sending(batches_calls.create_batch)
    close_batch = sending(batches_calls.close_batch)
    batch_progress = sending(batches_calls.batch_progress)
    parent_results = sending(batches_calls.parent_results)
    continue_after = sending(batches_calls.continue_after)
    results = sending(batches_calls.results)
    await_jobs = sending(batches_calls.await_jobs)
    await_batch = sending(batches_calls.await_batch)
    flow_graph = sending(batches_calls.flow_graph)

    bulk_start = sending(bulk_calls.bulk_start)
    bulk_stop = sending(bulk_calls.bulk_stop)
    bulk_status = sending(bulk_calls.bulk_status)
    bulk_work = sending(bulk_calls.bulk_work)

    follow_outcomes = sending(events_calls.follow_outcomes)
    outcomes_since = sending(events_calls.outcomes_since)

    health = sending(health_calls.health)
    connection_budget = sending(health_calls.connection_budget)
    depths = sending(health_calls.depths)
    queue_names = sending(health_calls.queue_names)
    error_groups = sending(health_calls.error_groups)
    error_history = sending(health_calls.error_history)
    depth_history = sending(health_calls.depth_history)
    metrics = sending(health_calls.metrics)
    metric_series = sending(health_calls.metric_series)
    stats = sending(health_calls.stats)
    task_stats = sending(health_calls.task_stats)
    queue_activity = sending(health_calls.queue_activity)
    task_activity = sending(health_calls.task_activity)
    run_times = sending(health_calls.run_times)
    add_mark = sending(health_calls.add_mark)
    marks = sending(health_calls.marks)
    reset_statistics = sending(health_calls.reset_statistics)

    enqueue = sending(jobs_calls.enqueue)
    enqueue_many = sending(jobs_calls.enqueue_many)
    result = sending(jobs_calls.result)
    register_worker = sending(jobs_calls.register_worker)
    workers_beside = sending(jobs_calls.workers_beside)
    deregister_worker = sending(jobs_calls.deregister_worker)
    heartbeat = sending(jobs_calls.heartbeat)
    idle_turn = sending(jobs_calls.idle_turn)
    claim_batch = sending(jobs_calls.claim_batch)
    complete_batch = sending(jobs_calls.complete_batch)
    fail_batch = sending(jobs_calls.fail_batch)
    snooze_batch = sending(jobs_calls.snooze_batch)
    release_batch = sending(jobs_calls.release_batch)
    release_unanswered = sending(jobs_calls.release_unanswered)
    set_progress = sending(jobs_calls.set_progress)
    promote_due = sending(jobs_calls.promote_due)
    rescue_lost_workers = sending(jobs_calls.rescue_lost_workers)
    maintain = sending(jobs_calls.maintain)
    version = sending(jobs_calls.version)

    job = sending(look_calls.job)
    job_state = sending(look_calls.job_state)
    failed_jobs = sending(look_calls.failed_jobs)
    queue_stats = sending(look_calls.queue_stats)
    worker_status = sending(look_calls.worker_status)
    schedule_status = sending(look_calls.schedule_status)
    schedule_states = sending(look_calls.schedule_states)
    schedule_history = sending(look_calls.schedule_history)
    blocked_jobs = sending(look_calls.blocked_jobs)
    job_links = sending(look_calls.job_links)
    semaphore_status = sending(look_calls.semaphore_status)
    queue_settings = sending(look_calls.queue_settings)
    pause_status = sending(look_calls.pause_status)
    task_settings = sending(look_calls.task_settings)
    retention_settings = sending(look_calls.retention_settings)
    queue_limits = sending(look_calls.queue_limits)
    batch_status = sending(look_calls.batch_status)

    cancel = sending(operate_calls.cancel)
    is_cancelled = sending(operate_calls.is_cancelled)
    retry = sending(operate_calls.retry)
    redrive = sending(operate_calls.redrive)
    discard = sending(operate_calls.discard)
    run_now = sending(operate_calls.run_now)
    enqueue_again = sending(operate_calls.enqueue_again)
    reprioritise = sending(operate_calls.reprioritise)
    count_jobs = sending(operate_calls.count_jobs)
    pause_queue = sending(operate_calls.pause_queue)
    resume_queue = sending(operate_calls.resume_queue)
    pause_task = sending(operate_calls.pause_task)
    resume_task = sending(operate_calls.resume_task)
    pause_semaphore = sending(operate_calls.pause_semaphore)
    resume_semaphore = sending(operate_calls.resume_semaphore)
    queue_latency = sending(operate_calls.queue_latency)
    configure_queue = sending(operate_calls.configure_queue)
    clear_queue = sending(operate_calls.clear_queue)
    order_worker = sending(operate_calls.order_worker)
    report_lost_worker = sending(operate_calls.report_lost_worker)
    configure = sending(operate_calls.configure)
    configure_retention = sending(operate_calls.configure_retention)
    prune = sending(operate_calls.prune)
    prune_preview = sending(operate_calls.prune_preview)
    verify = sending(operate_calls.verify)
    configure_semaphore = sending(operate_calls.configure_semaphore)
    release_semaphore = sending(operate_calls.release_semaphore)
    unique_key_owner = sending(operate_calls.unique_key_owner)
    release_unique_key = sending(operate_calls.release_unique_key)
    audit_log = sending(operate_calls.audit_log)
    start_cron = sending(operate_calls.start_cron)
    stop_cron = sending(operate_calls.stop_cron)

    job_attempts = sending(pages_calls.job_attempts)
    job_content = sending(pages_calls.job_content)
    why_waiting = sending(pages_calls.why_waiting)
    list_past_workers = sending(pages_calls.list_past_workers)
    list_semaphores = sending(pages_calls.list_semaphores)
    list_batches = sending(pages_calls.list_batches)

    schedule = sending(schedules_calls.schedule)
    unschedule = sending(schedules_calls.unschedule)
    pause_schedule = sending(schedules_calls.pause_schedule)
    resume_schedule = sending(schedules_calls.resume_schedule)
    run_schedule_now = sending(schedules_calls.run_schedule_now)
    prune_schedule_history = sending(schedules_calls.prune_schedule_history)
    fire_due_schedules = sending(schedules_calls.fire_due_schedules)
    sync_schedules = sending(schedules_calls.sync_schedules)
    cron_next = sending(schedules_calls.cron_next)
    cron_preview = sending(schedules_calls.cron_preview)

    find_jobs = sending(search_calls.find_jobs)
    list_jobs = sending(search_calls.list_jobs)
    estimate_jobs = sending(search_calls.estimate_jobs)
    due_jobs = sending(search_calls.due_jobs)

    shard_map = sending(shards_calls.shard_map)
    shard_slot = sending(shards_calls.shard_slot)
    shard_check = sending(shards_calls.shard_check)
    shard_init = sending(shards_calls.shard_init)
    shard_assign = sending(shards_calls.shard_assign)
    shard_spread = sending(shards_calls.shard_spread)
    shard_left = sending(shards_calls.shard_left)

    configure_task = sending(tasks_calls.configure_task)
    sync_tasks = sending(tasks_calls.sync_tasks)
    forget_task = sending(tasks_calls.forget_task)
    task_options = sending(tasks_calls.task_options)

    subscribe = sending(topics_calls.subscribe)
    unsubscribe = sending(topics_calls.unsubscribe)
    publish = sending(topics_calls.publish)
    subscriptions = sending(topics_calls.subscriptions)
