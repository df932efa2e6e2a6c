"""Listeners that the server itself would run. It runs none: this slice says so in the clients' words."""
