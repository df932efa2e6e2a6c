"""What an environment may use and has used, counted in the transaction that uses it."""
