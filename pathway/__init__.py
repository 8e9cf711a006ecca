"""Care pathways: observations in, proposals and reminders out, each with its why."""

VERSION = "0.1.0"  # as in pyproject.toml
