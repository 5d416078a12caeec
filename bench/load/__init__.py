"""The load generator: one process, one core, open loop."""
