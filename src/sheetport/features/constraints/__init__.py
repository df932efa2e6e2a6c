"""Stored constraints: the validators that an app keeps for the fields that name them, each in all its versions."""
