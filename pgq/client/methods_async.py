# Written by generate.py from the modules of pgq.calls: add a function there.
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
from pgq.client.sending_async import sending_async


class AsyncMethods:
    """The methods of AsyncClient that send one call."""

    create_batch = sending_async(batches_calls.create_batch)
    close_batch = sending_async(batches_calls.close_batch)
    batch_progress = sending_async(batches_calls.batch_progress)
    parent_results = sending_async(batches_calls.parent_results)
    continue_after = sending_async(batches_calls.continue_after)
    results = sending_async(batches_calls.results)
    await_jobs = sending_async(batches_calls.await_jobs)
    await_batch = sending_async(batches_calls.await_batch)
    flow_graph = sending_async(batches_calls.flow_graph)

    bulk_start = sending_async(bulk_calls.bulk_start)
    bulk_stop = sending_async(bulk_calls.bulk_stop)
    bulk_status = sending_async(bulk_calls.bulk_status)
    bulk_work = sending_async(bulk_calls.bulk_work)

    follow_outcomes = sending_async(events_calls.follow_outcomes)
    outcomes_since = sending_async(events_calls.outcomes_since)

    health = sending_async(health_calls.health)
    connection_budget = sending_async(health_calls.connection_budget)
    depths = sending_async(health_calls.depths)
    queue_names = sending_async(health_calls.queue_names)
    error_groups = sending_async(health_calls.error_groups)
    error_history = sending_async(health_calls.error_history)
    depth_history = sending_async(health_calls.depth_history)
    metrics = sending_async(health_calls.metrics)
    metric_series = sending_async(health_calls.metric_series)
    stats = sending_async(health_calls.stats)
    task_stats = sending_async(health_calls.task_stats)
    queue_activity = sending_async(health_calls.queue_activity)
    task_activity = sending_async(health_calls.task_activity)
    run_times = sending_async(health_calls.run_times)
    add_mark = sending_async(health_calls.add_mark)
    marks = sending_async(health_calls.marks)
    reset_statistics = sending_async(health_calls.reset_statistics)

    enqueue = sending_async(jobs_calls.enqueue)
    enqueue_many = sending_async(jobs_calls.enqueue_many)
    result = sending_async(jobs_calls.result)
    register_worker = sending_async(jobs_calls.register_worker)
    workers_beside = sending_async(jobs_calls.workers_beside)
    deregister_worker = sending_async(jobs_calls.deregister_worker)
    heartbeat = sending_async(jobs_calls.heartbeat)
    idle_turn = sending_async(jobs_calls.idle_turn)
    claim_batch = sending_async(jobs_calls.claim_batch)
    complete_batch = sending_async(jobs_calls.complete_batch)
    fail_batch = sending_async(jobs_calls.fail_batch)
    snooze_batch = sending_async(jobs_calls.snooze_batch)
    release_batch = sending_async(jobs_calls.release_batch)
    release_unanswered = sending_async(jobs_calls.release_unanswered)
    set_progress = sending_async(jobs_calls.set_progress)
    promote_due = sending_async(jobs_calls.promote_due)
    rescue_lost_workers = sending_async(jobs_calls.rescue_lost_workers)
    maintain = sending_async(jobs_calls.maintain)
    version = sending_async(jobs_calls.version)

    job = sending_async(look_calls.job)
    job_state = sending_async(look_calls.job_state)
    failed_jobs = sending_async(look_calls.failed_jobs)
    queue_stats = sending_async(look_calls.queue_stats)
    worker_status = sending_async(look_calls.worker_status)
    schedule_status = sending_async(look_calls.schedule_status)
    schedule_states = sending_async(look_calls.schedule_states)
    schedule_history = sending_async(look_calls.schedule_history)
    blocked_jobs = sending_async(look_calls.blocked_jobs)
    job_links = sending_async(look_calls.job_links)
    semaphore_status = sending_async(look_calls.semaphore_status)
    queue_settings = sending_async(look_calls.queue_settings)
    pause_status = sending_async(look_calls.pause_status)
    task_settings = sending_async(look_calls.task_settings)
    retention_settings = sending_async(look_calls.retention_settings)
    queue_limits = sending_async(look_calls.queue_limits)
    batch_status = sending_async(look_calls.batch_status)

    cancel = sending_async(operate_calls.cancel)
    is_cancelled = sending_async(operate_calls.is_cancelled)
    retry = sending_async(operate_calls.retry)
    redrive = sending_async(operate_calls.redrive)
    discard = sending_async(operate_calls.discard)
    run_now = sending_async(operate_calls.run_now)
    enqueue_again = sending_async(operate_calls.enqueue_again)
    reprioritise = sending_async(operate_calls.reprioritise)
    count_jobs = sending_async(operate_calls.count_jobs)
    pause_queue = sending_async(operate_calls.pause_queue)
    resume_queue = sending_async(operate_calls.resume_queue)
    pause_task = sending_async(operate_calls.pause_task)
    resume_task = sending_async(operate_calls.resume_task)
    pause_semaphore = sending_async(operate_calls.pause_semaphore)
    resume_semaphore = sending_async(operate_calls.resume_semaphore)
    queue_latency = sending_async(operate_calls.queue_latency)
    configure_queue = sending_async(operate_calls.configure_queue)
    clear_queue = sending_async(operate_calls.clear_queue)
    order_worker = sending_async(operate_calls.order_worker)
    report_lost_worker = sending_async(operate_calls.report_lost_worker)
    configure = sending_async(operate_calls.configure)
    configure_retention = sending_async(operate_calls.configure_retention)
    prune = sending_async(operate_calls.prune)
    prune_preview = sending_async(operate_calls.prune_preview)
    verify = sending_async(operate_calls.verify)
    configure_semaphore = sending_async(operate_calls.configure_semaphore)
    release_semaphore = sending_async(operate_calls.release_semaphore)
    unique_key_owner = sending_async(operate_calls.unique_key_owner)
    release_unique_key = sending_async(operate_calls.release_unique_key)
    audit_log = sending_async(operate_calls.audit_log)
    start_cron = sending_async(operate_calls.start_cron)
    stop_cron = sending_async(operate_calls.stop_cron)

    job_attempts = sending_async(pages_calls.job_attempts)
    job_content = sending_async(pages_calls.job_content)
    why_waiting = sending_async(pages_calls.why_waiting)
    list_past_workers = sending_async(pages_calls.list_past_workers)
    list_semaphores = sending_async(pages_calls.list_semaphores)
    list_batches = sending_async(pages_calls.list_batches)

    schedule = sending_async(schedules_calls.schedule)
    unschedule = sending_async(schedules_calls.unschedule)
    pause_schedule = sending_async(schedules_calls.pause_schedule)
    resume_schedule = sending_async(schedules_calls.resume_schedule)
    run_schedule_now = sending_async(schedules_calls.run_schedule_now)
    prune_schedule_history = sending_async(schedules_calls.prune_schedule_history)
    fire_due_schedules = sending_async(schedules_calls.fire_due_schedules)
    sync_schedules = sending_async(schedules_calls.sync_schedules)
    cron_next = sending_async(schedules_calls.cron_next)
    cron_preview = sending_async(schedules_calls.cron_preview)

    find_jobs = sending_async(search_calls.find_jobs)
    list_jobs = sending_async(search_calls.list_jobs)
    estimate_jobs = sending_async(search_calls.estimate_jobs)
    due_jobs = sending_async(search_calls.due_jobs)

    shard_map = sending_async(shards_calls.shard_map)
    shard_slot = sending_async(shards_calls.shard_slot)
    shard_check = sending_async(shards_calls.shard_check)
    shard_init = sending_async(shards_calls.shard_init)
    shard_assign = sending_async(shards_calls.shard_assign)
    shard_spread = sending_async(shards_calls.shard_spread)
    shard_left = sending_async(shards_calls.shard_left)

    configure_task = sending_async(tasks_calls.configure_task)
    sync_tasks = sending_async(tasks_calls.sync_tasks)
    forget_task = sending_async(tasks_calls.forget_task)
    task_options = sending_async(tasks_calls.task_options)

    subscribe = sending_async(topics_calls.subscribe)
    unsubscribe = sending_async(topics_calls.unsubscribe)
    publish = sending_async(topics_calls.publish)
    subscriptions = sending_async(topics_calls.subscriptions)
