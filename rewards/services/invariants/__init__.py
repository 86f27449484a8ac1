"""What is always true of this floor: one SQL statement each, proven with the ledger's own."""

from . import benefits, games, redemptions

ALL = (
    redemptions.POINTS_ARE_SPENT,
    redemptions.POINTS_COME_BACK,
    redemptions.STOCKS_ARE_THEIR_REDEMPTIONS,
    redemptions.CODES_ARE_HANDED_OUT_ONCE,
    redemptions.STATES_ARE_THEIR_HISTORY,
    benefits.QUOTAS_ARE_THEIR_ENTRIES,
    benefits.EXPOSURES_ARE_OPEN_REFUNDS,
    games.PLAYS_MOVE_THEIR_POINTS,
    games.PRIZES_LEAVE_THE_STOCK,
    games.DAYS_GIVE_WHAT_PLAYS_WON,
    games.TICKETS_HAVE_NO_GAP,
)
