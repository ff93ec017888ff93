"""Set-up of a machine, also where only package registries are reachable.

Everything here but `docker_provider` runs before the virtual environment exists: it uses the
standard library only.
"""
