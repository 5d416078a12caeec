"""`make cluster`: a whole cluster on this machine, alive, to kill parts of with a key."""
