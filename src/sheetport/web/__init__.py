"""The first page: sign-in, set-up, and the authentication guide as a checklist. Server-rendered, no build step."""
