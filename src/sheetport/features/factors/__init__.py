"""Second factors of users, and what an account asks of sign-ins."""
