"""Calls in open transactions, in every order; __main__ says what it proves."""
