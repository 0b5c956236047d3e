"""The configuration: a file, environment variables, options."""
