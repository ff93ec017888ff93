"""A Pulumi resource plug-in named ``docker``, for hosts that can't download the official one.

It takes the inputs and gives the outputs of pulumi-docker 5.1.0 for four resource types: Network,
Volume, RemoteImage and Container. An input that it doesn't support is refused by name.

Run it as ``python -m offline.docker_provider``; Pulumi's engine does so through a launcher in
``$PULUMI_HOME/plugins/resource-docker-v5.1.0/``.
"""

NAME = "docker"
VERSION = "5.1.0"
