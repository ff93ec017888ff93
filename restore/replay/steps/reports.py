"""The reports server's data sources, pointed at the restored ERP through the server itself."""

from __future__ import annotations

from contextlib import closing

from restore.adapters.jasper import ReportsClient
from restore.context import ReplayContext
from restore.errors import ReplayError
from restore.model import Part, Step
from restore.model.messages import message
from restore.model.secret import Secret
from restore.plan.configuration.files import target_of
from restore.plan.reports import SECRET_PROPERTY, data_source_settings


def restore_data_source(context: ReplayContext, step: Step) -> None:
    """Give a data source the properties that the plan shows, and read them back."""
    reports = context.of(Part.REPORTS)
    profile, account = context.profile.reports, context.reports_account
    if profile is None or account is None:
        raise ReplayError(
            message("no account of the reports server was given"), "set PRA_REPORTS_PASSWORD"
        )
    facts = context.generation.fingerprint.reports
    sources = facts.data_sources if facts else ()
    source = next(one for one in sources if one.uri == step.target)
    settings = data_source_settings(profile, source, target_of(context.environment))
    wanted = {
        one.key: one.value.reveal() if isinstance(one.value, Secret) else one.value
        for one in settings
    }
    with closing(ReportsClient(reports.environment, profile, account)) as client:
        held = client.data_source(step.target)
        client.update_data_source(step.target, {**held, **wanted})
        found = client.data_source(step.target)
    wrong = [
        f"{key} is {found.get(key)}"
        for key, value in wanted.items()
        if key not in SECRET_PROPERTY and found.get(key) != value
    ]
    if wrong:
        raise ReplayError(f"data source {step.target} was changed, but {', '.join(wrong)}")
