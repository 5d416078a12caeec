"""Everything in plain dictionaries: what the other adapters are compared with, and fast tests."""
