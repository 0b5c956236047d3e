"""The admin: lists, pages and actions of jobs, queues, workers, schedules and what limits them.

Everything is read and done by pgq's functions, through Django's own connection; the models say what
a list shows, and which permissions there are. `admin.py` registers the classes.
"""
