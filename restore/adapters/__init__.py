"""The outside: Docker, PostgreSQL, Pulumi, processes, locks. The only importers of their SDKs."""
