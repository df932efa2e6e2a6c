"""Who did what, in the transaction that did it."""
