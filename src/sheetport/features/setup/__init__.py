"""Setting up: the first account, and the links by which its administrator chooses a password."""
