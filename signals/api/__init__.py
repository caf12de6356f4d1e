"""The REST API of the signals under /api/v1/. One file per noun."""
