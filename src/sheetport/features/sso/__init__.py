"""Single sign-on: identity providers of accounts (OpenID Connect), and what they say of who signs in."""
