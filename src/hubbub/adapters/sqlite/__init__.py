"""SQLite: the embedded store, one file, in a process of its own."""
