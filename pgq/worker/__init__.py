"""The worker, in the order of a job's way: engine, work, executor, handler, settler, heartbeat."""
