"""Where every id belongs: one look-up for ownership, context and cascading deletes."""
