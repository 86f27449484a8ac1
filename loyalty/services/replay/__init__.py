"""Real orders, turned into the platform's own events and played through it with event time as the clock."""
