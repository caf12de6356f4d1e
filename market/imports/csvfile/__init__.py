"""Candles in a CSV file as people export them: what columns, dates and numbers mean, and what is wrong."""
