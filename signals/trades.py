"""What became of ideas: each one played on the bars that followed. Pure."""
