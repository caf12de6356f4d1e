"""Statements of the approvals that are SQL text, each with the rows that it returns; one module a subject.

What a statement counts is said where it is used.
"""
