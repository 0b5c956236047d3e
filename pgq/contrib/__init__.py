"""For other programs and frameworks. Only programs that use one of these import it."""
