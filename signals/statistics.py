"""What a sample says about the truth behind it. Pure."""
