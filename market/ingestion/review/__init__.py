"""What people do about data that is in doubt: look, believe, drop, correct, fetch again."""
