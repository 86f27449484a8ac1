"""Forms of rows that name their merchant: it is whoever is signed in, and never a field."""

from __future__ import annotations

from typing import ClassVar

from django import forms

from merchants.models import Merchant

from .base import merchant_of


class OwnedForm(forms.ModelForm):
    """The row is the merchant's from the first moment, so that its own rules and unique keys are checked in full."""

    merchant: ClassVar[Merchant]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.instance.merchant = self.merchant

    def _get_validation_exclusions(self):
        return super()._get_validation_exclusions() - {"merchant"}


class OwnedMixin:
    """For a PortalAdmin whose form is an OwnedForm."""

    def get_form(self, request, obj=None, change=False, **kwargs):
        form = super().get_form(request, obj, change=change, **kwargs)
        form.merchant = merchant_of(request)
        return form
