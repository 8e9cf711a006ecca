"""Verbs: each module changes the rows of one kind, in the caller's transaction, and knows no other service."""
