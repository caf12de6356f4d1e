"""Orders of ours: how they stand by the journal, and how they are placed, changed and ended."""
