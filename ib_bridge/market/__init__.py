"""Market data: quotes as they stream, bars of the past, contracts."""
