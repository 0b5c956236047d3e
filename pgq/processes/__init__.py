"""Processes of workers: the supervisor and its children, or a worker beside another program."""
