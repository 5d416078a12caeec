"""Tokens that others issue: host applications and identity providers, and the keys of both."""
