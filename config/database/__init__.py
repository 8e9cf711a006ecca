"""PostgreSQL as Django knows it, and each transaction says for whom it works."""
