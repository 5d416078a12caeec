"""The named exceptions to the rules, each with its reason.

A key is `path::scope`, the scope being `Class.method` or `function`. An entry that nothing uses any
more fails the test that reads it.
"""

# Where everything may be caught: the edge at which one failure must not take others with it.
BROAD_EXCEPTS: dict[str, str] = {
    "src/hubbub/entry/rest/app.py::RestApp.__call__": "a fault in one call is its answer, a 500",
}

# Where a task is started outside a TaskGroup: its owner keeps it, waits for it and sees it fail.
TASKS: dict[str, str] = {}

# Source files that may have more than 400 lines.
LONG_FILES: dict[str, str] = {}
