"""A Django database backend: PostgreSQL from a pip-installed package, started on the first connection."""
