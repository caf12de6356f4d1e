"""The REST API of the market under /api/v1/. One file per noun."""
