"""Signing in with the host application: its keys, and the tokens that they sign."""
