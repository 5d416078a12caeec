"""REST: a table of calls, from which routing, reading, answers and OpenAPI come."""
