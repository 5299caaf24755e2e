"""Call records: written once for each call and each attendance, whatever happens to the process.

Reading order: `journal` (lines on disk), `lines` (what they say), `records` (who writes them, and how they come into
the store), `export` (CSV and JSON lines for others).
"""

from softswitch.records.records import Records, RecordStore

__all__ = ["RecordStore", "Records"]
