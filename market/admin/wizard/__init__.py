"""The import wizard: a file is uploaded, its columns are named, it is checked, and it is queued."""
