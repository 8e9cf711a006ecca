"""The door for machines: REST under /api/v1/."""
