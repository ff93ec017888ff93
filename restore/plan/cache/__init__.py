"""Whether a drill may use cached server data, and how a plan does. Pure."""
