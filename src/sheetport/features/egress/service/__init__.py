"""Calling others, and saying who may be called."""

from sheetport.features.egress.service.allowing import allow_target, find_allowed, list_allowances, remove_target
from sheetport.features.egress.service.calling import Egress
from sheetport.features.egress.service.keeping import KeptCalls

__all__ = ["Egress", "KeptCalls", "allow_target", "find_allowed", "list_allowances", "remove_target"]
