"""Ticks of the clock: the topics ``cron:…`` that listeners hear, and the jobs of scheduled actions."""
