"""Failed sign-ins, counted so that guessing is slow and nobody is locked out by others."""
