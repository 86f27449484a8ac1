from typing import ClassVar

from django.utils.translation import gettext_lazy as _

from common.admin.sites import ClosedSite, login_form
from common.models import Staff


class MerchantSite(ClosedSite):
    """/merchant/: the staff of merchants. Every page here is scoped to the signed-in person's merchant."""

    settings_name = "UNFOLD_MERCHANT"
    admits = Staff.Site.MERCHANTS
    wrong_site = _("This account is an operator's. Sign in at /admin/ with it, or here with a merchant's account.")
    index_title = _("Overview")
    index_template = "merchants/dashboard.html"
    # How a row of each model leads to its merchant: what forms and filters may offer (admin/portal/base.py).
    tenants: ClassVar[dict[str, str]] = {
        "merchants.Brand": "merchant",
        "merchants.Store": "merchant",
        "merchants.Club": "merchant",
        "merchants.LevelScheme": "club__merchant",
        "merchants.Card": "club__merchant",
    }


MerchantSite.login_form = login_form(MerchantSite)

site = MerchantSite(name="merchant")
