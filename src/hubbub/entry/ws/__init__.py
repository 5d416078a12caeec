"""WebSocket at the edge: handshake, framing, connections, and the sweeper that looks after them."""
