"""Which nightly jobs of this floor an operator may go on with by hand."""

from django.utils.translation import gettext_lazy as _

from common.admin import jobs
from members.services import erasure

jobs.register(erasure.JOB, _("Members who left are forgotten"), erasure.sweep)
