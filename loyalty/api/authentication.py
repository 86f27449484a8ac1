"""Members sign in together with their wallet: what their pages read comes in the same query."""

from loyalty.selectors import members
from members.api.authentication import MemberAuthentication


class WalletAuthentication(MemberAuthentication):
    """As MemberAuthentication; `request.user.member` brings wallet, account, tier and the programme's unit."""

    members = members.with_wallets()
