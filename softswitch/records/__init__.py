"""Call records: written once for each call and each attendance, whatever happens to the process.

Reading order: `journal` (lines on disk), `lines` (what they say), `records` (who writes them, and how they come into
the store), `strangers` (how many calls of unknown senders leave one), `retention` (what is forgotten after a while),
`export` (CSV and JSON lines for others).
"""

from softswitch.records.importing import RecordStore
from softswitch.records.records import Records
from softswitch.records.retention import Retention
from softswitch.records.strangers import Strangers

__all__ = ["RecordStore", "Records", "Retention", "Strangers"]
