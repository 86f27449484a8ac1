"""Which nightly jobs of this floor an operator may go on with by hand."""

from django.utils.translation import gettext_lazy as _

from common.admin import jobs
from rewards.services import redemption_expiry

jobs.register(redemption_expiry.JOB, _("Rewards that nobody used expire"), redemption_expiry.expire)
