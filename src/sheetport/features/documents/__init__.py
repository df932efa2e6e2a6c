"""Documents: pages of a space that people read beside their data."""
