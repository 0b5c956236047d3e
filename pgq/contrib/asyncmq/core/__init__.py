"""AsyncMQ's `core`: its modules that a program imports from."""
