"""One file for each row of the table (or for two that are two readings of the same run)."""
