"""What was sent and what the gateway said, kept before anything else is done with it."""
