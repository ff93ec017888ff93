"""PostgreSQL servers and what their tools write."""
