from django.urls import path, re_path

from loyalty.api.views import EXTERNAL_ID

from .benefits import BenefitsView, GiveBackView, MyBenefitsView, UsesView
from .channel_sales import REFERENCE, ChannelSaleCancelView, ChannelSalesView, ChannelSaleView, ChannelStockView
from .channel_statements import ChannelStatementView, ChannelTermsView
from .checkout import QuoteView
from .games import GamesView, GameView, MyGamesView, MyGameView
from .instant_refunds import InstantRefundSettleView, InstantRefundsView
from .packs import MyPackView, PackView
from .plan_purchases import (
    MyPlanPurchasesView,
    MyPlanQuotesView,
    MyPlanTrialView,
    MyPlanVouchersView,
    PlanPurchasePayView,
)
from .plan_refunds import MyPlanRefundView
from .plan_renewals import MemberPlanRenewalView, MemberPlanRenewView, MyPlanRenewalView
from .plan_rights import MyPlanRightsView
from .plans import MyPlanView
from .plays import MyGamePlaysView, MyPlaysView
from .recommendations import RecommendationsView
from .redemption_steps import (
    CancelView,
    DeliverView,
    FulfilView,
    PlaceView,
    ReinstateView,
    ReturnView,
    ShipView,
    UseView,
)
from .redemptions import MyRedemptionCancelView, MyRedemptionsView, MyRedemptionView, RedemptionsView, RedemptionView
from .rewards import MyRewardsView, MyRewardView

_BENEFIT = rf"^members/{EXTERNAL_ID}/benefits/(?P<code>[-a-zA-Z0-9_]{{1,60}})"
_REFUNDS = rf"^members/{EXTERNAL_ID}/instant-refunds"
_UUID = r"(?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})"

urlpatterns = [
    re_path(rf"^members/{EXTERNAL_ID}/benefits$", BenefitsView.as_view(), name="members-benefits"),
    re_path(rf"{_BENEFIT}/uses$", UsesView.as_view(), name="members-benefits-use"),
    re_path(rf"{_BENEFIT}/uses/{_UUID}/give-back$", GiveBackView.as_view(), name="members-benefits-give-back"),
    re_path(rf"{_BENEFIT}/pack$", PackView.as_view(), name="members-benefits-pack"),
    re_path(rf"{_REFUNDS}$", InstantRefundsView.as_view(), name="members-instant-refunds"),
    re_path(rf"{_REFUNDS}/{_UUID}/settle$", InstantRefundSettleView.as_view(), name="members-instant-refunds-settle"),
    path("me/benefits", MyBenefitsView.as_view(), name="me-benefits"),
    path("me/benefits/<slug:code>/pack", MyPackView.as_view(), name="me-benefits-pack"),
    path("checkout/quote", QuoteView.as_view(), name="checkout-quote"),
    path("games", GamesView.as_view(), name="games"),
    path("games/<slug:code>", GameView.as_view(), name="games-detail"),
    path("me/games", MyGamesView.as_view(), name="me-games"),
    path("me/games/<slug:code>", MyGameView.as_view(), name="me-games-detail"),
    path("me/games/<slug:code>/plays", MyGamePlaysView.as_view(), name="me-games-plays"),
    path("me/plays", MyPlaysView.as_view(), name="me-plays"),
    path("me/recommendations", RecommendationsView.as_view(), name="me-recommendations"),
    re_path(rf"^members/{EXTERNAL_ID}/redemptions$", RedemptionsView.as_view(), name="members-redemptions"),
    path("redemptions/<uuid:uuid>", RedemptionView.as_view(), name="redemptions-detail"),
    path("redemptions/<uuid:uuid>/place", PlaceView.as_view(), name="redemptions-place"),
    path("redemptions/<uuid:uuid>/fulfil", FulfilView.as_view(), name="redemptions-fulfil"),
    path("redemptions/<uuid:uuid>/ship", ShipView.as_view(), name="redemptions-ship"),
    path("redemptions/<uuid:uuid>/deliver", DeliverView.as_view(), name="redemptions-deliver"),
    path("redemptions/<uuid:uuid>/use", UseView.as_view(), name="redemptions-use"),
    path("redemptions/<uuid:uuid>/reinstate", ReinstateView.as_view(), name="redemptions-reinstate"),
    path("redemptions/<uuid:uuid>/return", ReturnView.as_view(), name="redemptions-return"),
    path("redemptions/<uuid:uuid>/cancel", CancelView.as_view(), name="redemptions-cancel"),
    path("me/rewards", MyRewardsView.as_view(), name="me-rewards"),
    path("me/rewards/<slug:code>", MyRewardView.as_view(), name="me-rewards-detail"),
    path("me/redemptions", MyRedemptionsView.as_view(), name="me-redemptions"),
    path("me/redemptions/<uuid:uuid>", MyRedemptionView.as_view(), name="me-redemptions-detail"),
    path("me/redemptions/<uuid:uuid>/cancel", MyRedemptionCancelView.as_view(), name="me-redemptions-cancel"),
    path("me/plan", MyPlanView.as_view(), name="me-plan"),
    path("me/plan/quotes", MyPlanQuotesView.as_view(), name="me-plan-quotes"),
    path("me/plan/purchases", MyPlanPurchasesView.as_view(), name="me-plan-purchases"),
    path("me/plan/purchases/<uuid:uuid>/refund", MyPlanRefundView.as_view(), name="me-plan-purchases-refund"),
    path("me/plan/trial", MyPlanTrialView.as_view(), name="me-plan-trial"),
    path("me/plan/vouchers", MyPlanVouchersView.as_view(), name="me-plan-vouchers"),
    path("me/plan/renewal", MyPlanRenewalView.as_view(), name="me-plan-renewal"),
    path("me/plan/rights", MyPlanRightsView.as_view(), name="me-plan-rights"),
    path("channel/stock", ChannelStockView.as_view(), name="channel-stock"),
    path("channel/sales", ChannelSalesView.as_view(), name="channel-sales"),
    re_path(rf"^channel/sales/{REFERENCE}$", ChannelSaleView.as_view(), name="channel-sales-detail"),
    re_path(rf"^channel/sales/{REFERENCE}/cancel$", ChannelSaleCancelView.as_view(), name="channel-sales-cancel"),
    path("channel/statement", ChannelStatementView.as_view(), name="channel-statement"),
    path("channel/terms", ChannelTermsView.as_view(), name="channel-terms"),
    path("plan-purchases/<uuid:uuid>/pay", PlanPurchasePayView.as_view(), name="plan-purchases-pay"),
    re_path(rf"^members/{EXTERNAL_ID}/plan/renewal$", MemberPlanRenewalView.as_view(), name="members-plan-renewal"),
    re_path(rf"^members/{EXTERNAL_ID}/plan/renew$", MemberPlanRenewView.as_view(), name="members-plan-renew"),
]
