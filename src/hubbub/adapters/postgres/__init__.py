"""PostgreSQL, 15 and newer: the store of servers that are several.

Any number of processes write the same database at once. Nothing of it is remembered between two
transactions: what a commit decides on, it has read under the locks that it holds.
"""
