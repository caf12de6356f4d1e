"""HTTP: the original bridge's addresses, and ours under /v1."""
