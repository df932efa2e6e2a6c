"""What the audit log does, by file: ``recording`` (who did what), ``personal`` (what of it can be erased),
``sealing`` (the chains).
"""

from sheetport.features.audit.service.recording import record, record_person, record_read
from sheetport.features.audit.service.sealing import Sealer

__all__ = ["Sealer", "record", "record_person", "record_read"]
