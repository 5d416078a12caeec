"""The named exceptions to the rules, each with its reason.

A key is `path::scope`, the scope being `Class.method` or `function`. An entry that nothing uses any
more fails the test that reads it.
"""

# Where everything may be caught: the edge at which one failure must not take others with it.
BROAD_EXCEPTS: dict[str, str] = {
    "clients/python/src/hubbub_client/hosted.py::provided": "an application's own function",
    "src/hubbub/adapters/sqlite/rpc.py::Door._answer": "one bad call must not end the store",
    "src/hubbub/entry/rest/app.py::RestApp.__call__": "a fault in one call is its answer, a 500",
    "src/hubbub/entry/ws/edge.py::Edge._ask": "a fault in one handshake is its answer, a 500",
    "src/hubbub/entry/ws/websocket.py::WebSocket._data": "a fault in one message closes with 1011",
    "src/hubbub/entry/ws/websocket.py::WebSocket._tell": "a fault in one handler closes with 1011",
    "src/hubbub/ingest.py::Ingest._commit_and_tell": "one bad change must not take its batch along",
}

# Where a task is started outside a TaskGroup: its owner keeps it, waits for it and sees it fail.
TASKS: dict[str, str] = {
    "src/hubbub/wiring/embedded.py::EmbeddedServer.start": "lives until stop, watched by broken",
    "src/hubbub/wiring/worker.py::WorkerServer.start": "lives until stop, watched by broken",
}

# Source files that may have more than 400 lines.
LONG_FILES: dict[str, str] = {}
