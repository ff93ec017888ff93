"""docker:index/container:Container, split by meaning.

`inputs` is the table of inputs, `wire` turns them into what Docker's API takes and its answer into
outputs, `running` starts and waits, and `resource` ties them together.
"""

from .resource import Container

__all__ = ["Container"]
