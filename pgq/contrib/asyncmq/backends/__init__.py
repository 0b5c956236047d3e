"""AsyncMQ's `backends`: Postgres, and a temporary database for tests under the name of memory."""
