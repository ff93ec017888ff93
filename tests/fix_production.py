"""A real generation, made once a machine from a production of the fixtures' own."""
