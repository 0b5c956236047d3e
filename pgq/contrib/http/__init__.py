"""What our web pages share: `access` says who may ask for numbers, `mount` makes an ASGI
application of a WSGI one, `server` serves one alone. Requests and responses are werkzeug's.
"""
