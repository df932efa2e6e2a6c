"""Calling others, and saying who may be called."""

from sheetport.features.egress.service.allowing import allow_target, find_allowed, list_allowances, remove_target
from sheetport.features.egress.service.calling import Egress

__all__ = ["Egress", "allow_target", "find_allowed", "list_allowances", "remove_target"]
