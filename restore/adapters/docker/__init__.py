"""Docker engines: containers, volumes, helpers, tunnels."""
