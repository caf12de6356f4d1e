"""Statements of the market that are SQL text, each with the rows that it returns; one module a subject."""
