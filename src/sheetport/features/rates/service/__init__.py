"""Asking whether a call may go on."""

from sheetport.features.rates.service.limiter import Limiter, sweep_marks, sweep_shared_marks

__all__ = ["Limiter", "sweep_marks", "sweep_shared_marks"]
