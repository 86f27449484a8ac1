"""What the nightly jobs of this floor are called, and which of them an operator may go on with by hand."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from common.admin import jobs
from rewards.services import lotteries, redemption_expiry

jobs.register(redemption_expiry.JOB, _("Rewards that nobody used expire"), redemption_expiry.expire)
jobs.register(lotteries.JOB, _("Lotteries are drawn"))

COUNTED = [
    gettext_noop("debt"), gettext_noop("expired"), gettext_noop("given"), gettext_noop("handed out"),
    gettext_noop("owed"), gettext_noop("packs"), gettext_noop("paid"), gettext_noop("recovered"),
    gettext_noop("returned"), gettext_noop("tickets"),
]  # fmt: skip
"""What runs say that they did: a run's row keeps the English word, its page translates it."""
