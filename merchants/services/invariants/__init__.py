"""What is always true of this floor: registered with the proof of the ledger (loyalty/services/invariants)."""
