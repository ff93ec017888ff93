"""Production's configuration files, made right for another environment. Pure."""
