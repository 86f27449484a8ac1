from django.urls import URLPattern, path, re_path

from loyalty.api.views import EXTERNAL_ID

from .campaigns import CampaignPreviewView, CampaignStartView, CampaignStopView, CampaignsView, CampaignView
from .insights import InsightsView, MemberInsightView, ProspectsView
from .member_prices import MemberPricesView, MemberPriceView
from .my_insights import MyInsightAccessesView, MyOffersView
from .my_stores import MyStoresView, MyStoreTransactionsView, MyStoreView
from .purses import (
    PurchaseCancelView,
    PurchaseSubmitView,
    PurchasesView,
    PurchaseView,
    PurseLotsView,
    PurseStatementView,
    PurseView,
)
from .stores import MembersView, MemberView, StoresView

# `merchant/…` is called by a merchant's staff (views.MerchantView), `me/stores…` by a member.
urlpatterns: list[URLPattern] = [
    path("merchant/stores", StoresView.as_view(), name="merchant-stores"),
    path("merchant/members", MembersView.as_view(), name="merchant-members"),
    path("merchant/members/<uuid:uuid>", MemberView.as_view(), name="merchant-members-detail"),
    path("merchant/campaigns", CampaignsView.as_view(), name="merchant-campaigns"),
    path("merchant/campaigns/<uuid:uuid>", CampaignView.as_view(), name="merchant-campaigns-detail"),
    path("merchant/campaigns/<uuid:uuid>/preview", CampaignPreviewView.as_view(), name="merchant-campaigns-preview"),
    path("merchant/campaigns/<uuid:uuid>/start", CampaignStartView.as_view(), name="merchant-campaigns-start"),
    path("merchant/campaigns/<uuid:uuid>/stop", CampaignStopView.as_view(), name="merchant-campaigns-stop"),
    path("merchant/member-prices", MemberPricesView.as_view(), name="merchant-member-prices"),
    path("merchant/member-prices/<uuid:uuid>", MemberPriceView.as_view(), name="merchant-member-prices-detail"),
    path("merchant/insights", InsightsView.as_view(), name="merchant-insights"),
    path("merchant/insights/prospects", ProspectsView.as_view(), name="merchant-insights-prospects"),
    re_path(
        rf"^merchant/insights/members/{EXTERNAL_ID}$", MemberInsightView.as_view(), name="merchant-insights-member"
    ),
    path("me/insight-accesses", MyInsightAccessesView.as_view(), name="me-insight-accesses"),
    path("me/offers", MyOffersView.as_view(), name="me-offers"),
    path("merchant/purse", PurseView.as_view(), name="merchant-purse"),
    path("merchant/purse/lots", PurseLotsView.as_view(), name="merchant-purse-lots"),
    path("merchant/purse/statement", PurseStatementView.as_view(), name="merchant-purse-statement"),
    path("merchant/purse/purchases", PurchasesView.as_view(), name="merchant-purchases"),
    path("merchant/purse/purchases/<uuid:uuid>", PurchaseView.as_view(), name="merchant-purchases-detail"),
    path("merchant/purse/purchases/<uuid:uuid>/submit", PurchaseSubmitView.as_view(), name="merchant-purchases-submit"),
    path("merchant/purse/purchases/<uuid:uuid>/cancel", PurchaseCancelView.as_view(), name="merchant-purchases-cancel"),
    path("me/stores", MyStoresView.as_view(), name="me-stores"),
    path("me/stores/<uuid:uuid>", MyStoreView.as_view(), name="me-stores-detail"),
    path("me/stores/<uuid:uuid>/transactions", MyStoreTransactionsView.as_view(), name="me-stores-transactions"),
]
