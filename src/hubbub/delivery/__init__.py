"""This process's live connections: who is here, what each may still get, and catching up."""
