"""A town of bots to try a server with: who lives there, what they say, how they live."""
