"""docker:index/container:Container, split by meaning.

`inputs` is the table of inputs, `config` turns them into what Docker's API takes, `uploads` puts
files in, `running` starts and waits, `readback` turns Docker's answer into outputs, and `resource`
ties them together.
"""

from .resource import Container

__all__ = ["Container"]
