"""The clients: blocking and async, and waiting for the end of jobs."""
