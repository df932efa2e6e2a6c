"""How audit records are spelled, chained and verified: pure functions, for the server and for strangers' files.

``ocsf`` is a record's sealed text, ``chain`` the hashes and signed texts, ``lines`` an export's lines, ``verifying``
what checks such a file. ``docs/reference/audit-format.md`` says all of it for whoever writes a verifier.
"""
