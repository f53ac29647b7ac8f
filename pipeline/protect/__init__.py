"""The only door out: what may be published, and the one maker of PublicTable.

Today an allow-list gate for published figures (gate.py). It answers for every cell that leaves.
"""

from pipeline.protect.gate import public_tables

__all__ = ["public_tables"]
