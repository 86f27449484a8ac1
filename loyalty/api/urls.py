from django.urls import path, re_path

from .adjustments import AdjustmentsView
from .check_ins import CheckInsView
from .explain import ExplainView, MyExplainView
from .gifts import GiftCampaignsView, GiftsView, MyGiftsView
from .growth import GrowthView, MyGrowthView
from .holds import HoldCaptureView, HoldReleaseView, HoldsView, HoldView
from .medals import MedalsView, MyMedalsView
from .members import MemberDetailView, MembersView, MeView
from .points import MyPointsView, StatementView, TransactionsView
from .scores import MyScoreView, ScoreView
from .tiers import MyTierHistoryView, TierHistoryView
from .transfers import MyTransfersView, TransfersView
from .views import EXTERNAL_ID

urlpatterns = [
    path("members", MembersView.as_view(), name="members"),
    re_path(rf"^members/{EXTERNAL_ID}$", MemberDetailView.as_view(), name="members-detail"),
    re_path(rf"^members/{EXTERNAL_ID}/statement$", StatementView.as_view(), name="members-statement"),
    re_path(rf"^members/{EXTERNAL_ID}/explain$", ExplainView.as_view(), name="members-explain"),
    re_path(rf"^members/{EXTERNAL_ID}/growth$", GrowthView.as_view(), name="members-growth"),
    re_path(rf"^members/{EXTERNAL_ID}/tier-history$", TierHistoryView.as_view(), name="members-tier-history"),
    re_path(rf"^members/{EXTERNAL_ID}/medals$", MedalsView.as_view(), name="members-medals"),
    re_path(rf"^members/{EXTERNAL_ID}/gifts$", GiftsView.as_view(), name="members-gifts"),
    re_path(rf"^members/{EXTERNAL_ID}/score$", ScoreView.as_view(), name="members-score"),
    re_path(rf"^members/{EXTERNAL_ID}/adjustments$", AdjustmentsView.as_view(), name="members-adjustments"),
    path("gift-campaigns", GiftCampaignsView.as_view(), name="gift-campaigns"),
    path("transfers", TransfersView.as_view(), name="transfers"),
    path("holds", HoldsView.as_view(), name="holds"),
    path("holds/<uuid:uuid>", HoldView.as_view(), name="holds-detail"),
    path("holds/<uuid:uuid>/capture", HoldCaptureView.as_view(), name="holds-capture"),
    path("holds/<uuid:uuid>/release", HoldReleaseView.as_view(), name="holds-release"),
    path("me", MeView.as_view(), name="me"),
    path("me/points", MyPointsView.as_view(), name="me-points"),
    path("me/points/transactions", TransactionsView.as_view(), name="me-points-transactions"),
    path("me/points/explain", MyExplainView.as_view(), name="me-points-explain"),
    path("me/check-ins", CheckInsView.as_view(), name="me-check-ins"),
    path("me/growth", MyGrowthView.as_view(), name="me-growth"),
    path("me/tier-history", MyTierHistoryView.as_view(), name="me-tier-history"),
    path("me/medals", MyMedalsView.as_view(), name="me-medals"),
    path("me/gifts", MyGiftsView.as_view(), name="me-gifts"),
    path("me/score", MyScoreView.as_view(), name="me-score"),
    path("me/transfers", MyTransfersView.as_view(), name="me-transfers"),
]
