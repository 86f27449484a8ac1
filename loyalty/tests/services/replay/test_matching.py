from loyalty.services.replay.matching import Match, Purchases


def test_a_return_falls_on_the_most_recent_purchase_first():
    bought = Purchases()
    bought.keep("alice", "mug", "o1", "1", 5)
    bought.keep("alice", "mug", "o2", "3", 2)
    assert bought.take("alice", "mug", 3) == ([Match("o2", "3", 2), Match("o1", "1", 1)], 0)
    assert bought.take("alice", "mug", 9) == ([Match("o1", "1", 4)], 5)


def test_what_bob_or_nobody_bought_is_not_found():
    bought = Purchases()
    bought.keep("bob", "mug", "o1", "1", 5)
    assert bought.take("alice", "mug", 2) == ([], 2)
    assert bought.take("bob", "lamp", 2) == ([], 2)
