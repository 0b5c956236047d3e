"""Pages of ours in any web server: one function from a request to a response, mounted anywhere.

`messages` says what that function takes and returns, `access` who may ask it, `mount` makes a WSGI
and an ASGI application of it, and `server` serves it alone. No web framework is needed.
"""
