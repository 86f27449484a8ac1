"""What the nightly jobs of this floor are called, and which of them an operator may go on with by hand."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from common.admin import jobs
from members.services import erasure, plan_renewals

jobs.register(erasure.JOB, _("Members who left are forgotten"), erasure.sweep)
jobs.register(plan_renewals.JOB, _("Members are told of renewals"))

COUNTED = [gettext_noop("noticed")]
"""What runs say that they did: a run's row keeps the English word, its page translates it."""
