"""The log of what happened, and what its subscribers read."""
