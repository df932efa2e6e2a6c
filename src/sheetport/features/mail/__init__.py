"""Mail: an outbox in the database, and the texts that go out by it."""
