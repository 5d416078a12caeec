"""What one machine gives by itself: its clock, tokens, password hashing, the secret key."""
