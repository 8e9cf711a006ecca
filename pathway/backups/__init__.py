"""Conductors of the whole database: taking it away in one file, and bringing it back where nothing is yet.

A backup is one tar: the dump as PostgreSQL's own programs write it, a manifest of what it has to hold, and the digests
of both. Neither PostgreSQL's exit status nor the dump is believed: what arrived is counted and compared.
"""


class BackupError(Exception):
    """Why there is no backup, or why a restored database is not what the backup held."""
