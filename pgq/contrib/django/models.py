"""Django tells an app without models of no migration: see `startup`."""
