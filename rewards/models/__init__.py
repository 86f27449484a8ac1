from .codes import Code
from .partners import Partner, Settlement
from .prices import RewardPrice
from .redemptions import Redemption, RedemptionEvent
from .rewards import Reward

__all__ = ["Code", "Partner", "Redemption", "RedemptionEvent", "Reward", "RewardPrice", "Settlement"]
