"""Apps: the kinds of work an account's spaces are for."""
