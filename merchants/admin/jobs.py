"""Which nightly jobs of this floor an operator may go on with by hand."""

from django.utils.translation import gettext_lazy as _

from common.admin import jobs
from merchants.services import clubs, levels

jobs.register(levels.JOB, _("Cards come to the day's levels"), levels.relevel)
jobs.register(clubs.JOB, _("Memberships end: points of cards are exchanged"), clubs.close)
