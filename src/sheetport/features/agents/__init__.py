"""Listeners that the server itself runs: their versions, what they are to be told, and how each time went."""
