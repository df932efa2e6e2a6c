"""HTTP: the only place, with the slices' ``api`` modules, that knows the framework and status codes."""
