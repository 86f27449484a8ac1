"""What staff type on the merchants' site is never refused because another merchant has it."""

import pytest
from django.contrib.admin.utils import flatten_fieldsets

from merchants.admin.portal.base import PortalReadOnlyAdmin
from merchants.admin.site import site

FORMS = {model: page for model, page in site._registry.items() if not isinstance(page, PortalReadOnlyAdmin)}
INSIDE = {"merchant", "club", "ladder", "scheme", "store", "card", "campaign", "offer"}
"""Keys to what is one merchant's: a name that is unique within one of them says nothing of other merchants."""


def typed(page) -> set[str]:
    everything = [column.name for column in page.model._meta.concrete_fields if column.editable]
    sets = [*(page.fieldsets or [(None, {"fields": page.fields or everything})]), *getattr(page, "add_fieldsets", ())]
    return set(flatten_fieldsets(sets)) - set(page.readonly_fields)


@pytest.mark.parametrize("model", FORMS, ids=lambda model: model._meta.label)
def test_no_form_of_the_merchants_site_tells_that_another_merchant_took_a_name(model):
    names = typed(FORMS[model])
    assert not names & {column.name for column in model._meta.concrete_fields if column.unique}
    for constraint in model._meta.total_unique_constraints:
        assert not names & set(constraint.fields) or INSIDE & set(constraint.fields), constraint.name
