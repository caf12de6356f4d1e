"""What a busy machine may add to a time that is measured."""

LATE = 10.0  # seconds: what ends because of a limit ends by then, what does not has not ended yet
