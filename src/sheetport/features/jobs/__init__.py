"""Jobs: work that listeners are told of, and its life cycle."""
