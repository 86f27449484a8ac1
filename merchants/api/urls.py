from django.urls import URLPattern, path

from .my_stores import MyStoresView, MyStoreTransactionsView, MyStoreView
from .stores import MembersView, MemberView, StoresView

# `merchant/…` is called by a merchant's staff (views.MerchantView), `me/stores…` by a member.
urlpatterns: list[URLPattern] = [
    path("merchant/stores", StoresView.as_view(), name="merchant-stores"),
    path("merchant/members", MembersView.as_view(), name="merchant-members"),
    path("merchant/members/<uuid:uuid>", MemberView.as_view(), name="merchant-members-detail"),
    path("me/stores", MyStoresView.as_view(), name="me-stores"),
    path("me/stores/<uuid:uuid>", MyStoreView.as_view(), name="me-stores-detail"),
    path("me/stores/<uuid:uuid>/transactions", MyStoreTransactionsView.as_view(), name="me-stores-transactions"),
]
