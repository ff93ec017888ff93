"""The Pulumi program: the environment that a generation asks for, and the generation in it."""

import pulumi

from restore.errors import RestoreError
from stacks import outputs, settings
from stacks.environment import ErpEnvironment, ErpEnvironmentArgs
from stacks.restored import RestoredGeneration, RestoredGenerationArgs, blueprint_of

try:
    told = settings.read()
    blueprint = blueprint_of(told)
except RestoreError as error:
    raise pulumi.RunError(f"{error.message}\n{error.hint}".strip()) from error

environment = ErpEnvironment(told.stack, ErpEnvironmentArgs(told, blueprint))
for name, value in environment.outputs.items():
    pulumi.export(name, value)
pulumi.export(outputs.GENERATION, blueprint.generation)

if told.replay:
    restored = RestoredGeneration(
        f"{told.stack}-generation",
        RestoredGenerationArgs(told, blueprint.generation, environment.outputs),
    )
    pulumi.export(outputs.VERDICT, restored.verdict)
    pulumi.export(outputs.REPORT, restored.report)
