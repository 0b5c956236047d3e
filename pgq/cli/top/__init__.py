"""`pgq top`: what the queue does, as it does it, in a terminal.

`look` asks the database, `columns` says what a screen shows, `page` lays it out, `view` knows what
keys do, `keys` reads them, `run` ties them together.
"""
