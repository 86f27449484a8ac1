from django.http import HttpRequest

from merchants.models import StaffRole


def fill(request: HttpRequest, context: dict) -> dict:
    """The welcome page: whose merchant this is, its stores, and what comes next."""
    role = StaffRole.objects.select_related("merchant").filter(staff=request.user).first()
    merchant = role.merchant if role else None
    return {**context, "role": role, "merchant": merchant, "stores": list(merchant.stores.all()) if merchant else []}
