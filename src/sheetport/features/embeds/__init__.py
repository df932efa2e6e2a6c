"""What a customer's page asks for with a publishable key."""
