"""`manage.py serve`: runs the services of the Procfile, and starts again what ends or falls silent."""
