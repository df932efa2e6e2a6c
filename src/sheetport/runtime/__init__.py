"""What runs: the server process, its local socket, and the work beside requests."""
