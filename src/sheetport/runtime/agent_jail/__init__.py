"""Starts programs in a jail: namespaces, Landlock, a filter of system calls, limits.

It runs as one small process of its own beside the server, whose children the jailed programs are, so it imports nothing
but a few modules of the standard library.
"""
