"""What the audit log does, by file: ``recording`` (who did what), ``personal`` (what of it can be erased), ``erasing``,
``refusals`` (what is counted first), ``sealing`` (the chains), ``watching`` (whether they were set back), ``checking``,
``exporting``, ``listing``, ``pruning``.
"""

from sheetport.features.audit.service.checking import check
from sheetport.features.audit.service.erasing import erase_person
from sheetport.features.audit.service.exporting import DamagedLog, export_lines, list_all_chains, list_chains
from sheetport.features.audit.service.listing import list_checkpoints, list_records
from sheetport.features.audit.service.pruning import prunable, prune
from sheetport.features.audit.service.recording import record, record_person, record_read
from sheetport.features.audit.service.refusals import record_fresh_addresses, record_refusals
from sheetport.features.audit.service.sealing import Sealer
from sheetport.features.audit.service.watching import Watch, anchor

__all__ = [
    "DamagedLog",
    "Sealer",
    "Watch",
    "anchor",
    "check",
    "erase_person",
    "export_lines",
    "list_all_chains",
    "list_chains",
    "list_checkpoints",
    "list_records",
    "prunable",
    "prune",
    "record",
    "record_fresh_addresses",
    "record_person",
    "record_read",
    "record_refusals",
]
