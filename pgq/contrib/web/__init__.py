"""The dashboard: pages of what the queue does, mounted in any web application or served alone."""
