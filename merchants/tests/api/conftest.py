from loyalty.tests.api.callers import alice, bob, charlie, phone, provider, server

__all__ = ["alice", "bob", "charlie", "phone", "provider", "server"]
