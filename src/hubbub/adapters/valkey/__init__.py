"""Valkey or Redis (7 or newer): what joins the nodes of a cluster. Everything in it may be lost."""
