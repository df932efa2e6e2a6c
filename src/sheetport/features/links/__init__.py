"""One-time links by which a user chooses a password: for whoever sets a server up, or was invited."""
