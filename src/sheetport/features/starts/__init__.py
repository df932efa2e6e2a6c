"""Starts: jobs as their actions allow them, with the input that their forms ask for."""
