"""The product: one folder per noun of the API, ranked (see docs/howto/write-a-slice.md)."""
