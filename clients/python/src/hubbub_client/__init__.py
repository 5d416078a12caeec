"""The asynchronous Python client of Hubbub."""
