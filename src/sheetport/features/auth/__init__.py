"""Keys, tokens, sign-in, and who a caller is."""
