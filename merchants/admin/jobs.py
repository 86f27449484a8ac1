"""What the nightly jobs of this floor are called, and which of them an operator may go on with by hand."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

from common.admin import jobs
from merchants.selectors import prospects
from merchants.services import campaign_sends, clubs, levels, messages, rebates, settlements

jobs.register(levels.JOB, _("Cards come to the day's levels"), levels.relevel)
jobs.register(clubs.JOB, _("Memberships end: points of cards are exchanged"), clubs.close)
jobs.register(campaign_sends.SEND, _("A merchant's campaign gives"))
jobs.register(messages.JOB, _("A merchant's message is sent"))
jobs.register(prospects.JOB, _("Prospects are counted"))
jobs.register(rebates.JOB, _("Rebates are paid"))
jobs.register(settlements.JOB, _("The month between merchants is settled"))

COUNTED = [
    gettext_noop("card points"), gettext_noop("fallen"), gettext_noop("gifts"), gettext_noop("given back"),
    gettext_noop("other"), gettext_noop("points given"), gettext_noop("rebates"), gettext_noop("redeemed"),
    gettext_noop("refused"), gettext_noop("risen"), gettext_noop("rows"),
]  # fmt: skip
"""What runs say that they did: a run's row keeps the English word, its page translates it."""
