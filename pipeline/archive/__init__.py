"""Keep what publishers answered, before anyone reads it, and give it back.

Evidence comes first: every exchange becomes a WARC record, failures too. Knows nothing of sources, of politeness
or of what a page says. `Archive` is the whole, `Store` what one worker needs of it, `Recording` and `Replay` are httpx
transports over it, `take_in` brings in WARCs that others made.
"""

from pipeline.archive.intake import Taken, take_in
from pipeline.archive.library import Archive
from pipeline.archive.store import Part, Store
from pipeline.archive.transports import Recording, Replay

__all__ = ["Archive", "Part", "Recording", "Replay", "Store", "Taken", "take_in"]
