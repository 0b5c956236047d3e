"""Every SQL function and view as a Python function that returns a Call. No I/O but in `send`."""
