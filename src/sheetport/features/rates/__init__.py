"""How often who may call, counted over all processes."""
