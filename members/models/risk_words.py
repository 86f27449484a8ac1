"""The vocabulary of risk: what is guarded, by what it is counted, and what follows."""

from django.db import models
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy


class Action(models.TextChoices):
    """What is guarded. The first ones are asked for and can be refused; FACTS have happened and cannot."""

    SIGN_UP = "sign_up", _("Sign-ups")
    LOGIN = "login", _("Log-ins")
    CHECK_IN = "check_in", _("Check-ins")
    SHARE = "share", pgettext_lazy("action", "Shares")
    REVIEW = "review", _("Reviews")
    LIKE = "like", _("Likes")
    HOLD = "hold", _("Payments with points")
    TRANSFER = "transfer", _("Transfers of points")
    REDEMPTION = "redemption", _("Redemptions")
    COUPON = "coupon", _("Claims of coupons")
    PLAY = "play", pgettext_lazy("action", "Plays")
    PLAN = "plan", _("Purchases of plans")
    INSTANT_REFUND = "instant_refund", _("Instant refunds")
    RETURN = "return", _("Returns without cause")
    CHARGEBACK = "chargeback", _("Chargebacks")
    INVALID_REVIEW = "invalid_review", _("Invalid reviews")
    REFUSED_DELIVERY = "refused_delivery", _("Refused deliveries")


FACTS = frozenset({Action.RETURN, Action.CHARGEBACK, Action.INVALID_REVIEW, Action.REFUSED_DELIVERY})
"""Nobody asked us: they can be watched, looked into, or lead to a block, but not be refused (decision 0007)."""

EARNS = frozenset({Action.LOGIN, Action.CHECK_IN, Action.SHARE, Action.REVIEW})
"""What gives points at its very instant, so that these can be set aside for a look."""

NAMES_ORDER = FACTS | {Action.HOLD, Action.INSTANT_REFUND, Action.REVIEW}
NAMES_OTHER = frozenset({Action.LIKE, Action.TRANSFER})
"""Of these an order is known; of those, somebody on the other side."""


class Counter(models.TextChoices):
    """Per what attempts are counted. Devices and addresses are known as keyed digests only."""

    MEMBER = "member", _("Member")
    DEVICE = "device", _("Device")
    ADDRESS = "address", _("Network address")
    OTHER = "other", _("Who receives, or likes")
    PAIR = "pair", _("Member and who receives, or likes")
    ORDER = "order", _("Order")


class Outcome(models.TextChoices):
    """What happens beyond the limit."""

    REFUSE = "refuse", _("Refuse it")
    REVIEW = "review", _("Let it pass, and set its points aside for a look")
    WATCH = "watch", _("Let it pass, and remember it")
    BLOCK = "block", _("Block the member for a time")


class Conduct(models.TextChoices):
    """How a member has behaved, in words: inside the house only, and always contestable (S2-20, PIPL 24)."""

    GOOD = "good", pgettext_lazy("conduct", "Good")
    ORDINARY = "ordinary", _("Ordinary")
    DOUBTFUL = "doubtful", _("Doubtful")
    POOR = "poor", _("Poor")
