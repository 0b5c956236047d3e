"""For other programs and frameworks. Each is imported by those alone who use it."""
