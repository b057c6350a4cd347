"""Whether the parts on disk are those that were there: an inventory, checks of their bytes, counts.

inventory.py  what was there, what is lost of it (pure); the file that remembers both
engine_parts.py  what the engine says of its parts; every statement of this folder
watch.py      one look after the other: compare, check, put aside, tell
"""
