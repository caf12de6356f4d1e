"""What closed trades made: round trips of what we held, and the lots that the tax office asks for."""
