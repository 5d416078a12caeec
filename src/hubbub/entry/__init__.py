"""Edges that translate and never decide: the one port, WebSocket, REST, static files."""
