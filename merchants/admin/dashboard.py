from django.http import HttpRequest

from .signed_in import role_of


def fill(request: HttpRequest, context: dict) -> dict:
    """The welcome page: whose merchant this is, its stores, and what comes next."""
    role = role_of(request)
    merchant = role.merchant if role else None
    return {**context, "role": role, "merchant": merchant, "stores": list(merchant.stores.all()) if merchant else []}
