"""The REST API of the approvals under /api/v1/. One file per noun."""
