"""``pra verify``: every checksum of a generation."""

from __future__ import annotations

from dataclasses import asdict

from restore.cli.generations import choose_generation, seal_text
from restore.cli.options import JobsOptions, RepositoryOptions
from restore.cli.terminal import Terminal
from restore.cli.verbs import argument, command
from restore.errors import ExitCode


class VerifyOptions(RepositoryOptions, JobsOptions):
    generation: str | None = argument(required=False)


@command("verify", VerifyOptions)
def verb(terminal: Terminal, options: VerifyOptions) -> int:
    """Verify every checksum of a generation, in parallel.

    \b
    Examples:
      pra verify latest
      pra --json verify 20261124T0 --repository /srv/backups
    """
    from restore.repository import open_repository
    from restore.repository.selection import choose
    from restore.repository.verify import verify

    repository = open_repository(options.repository)
    generation = choose(repository, choose_generation(repository, options.generation, terminal))
    with terminal.progress() as listener:
        result = verify(repository, generation, jobs=options.jobs, listener=listener)
    for problem in result.problems:
        terminal.print(f"{problem.kind:10} {problem.artifact}/{problem.path}  {problem.detail}")
    state = f"{len(result.problems)} problems" if result.problems else "sound"
    terminal.print(
        f"{generation.id}: {state}; {result.files} files, {result.bytes} bytes "
        f"in {result.duration:.1f} s; manifest {seal_text(generation)}"
    )
    terminal.json(
        {
            "generation": generation.id,
            "sealed": generation.seal is not None,
            "signed_by": generation.signature.key if generation.signature else None,
            "files": result.files,
            "bytes": result.bytes,
            "problems": [asdict(problem) for problem in result.problems],
        }
    )
    return ExitCode.DAMAGED if result.problems else ExitCode.PASS
