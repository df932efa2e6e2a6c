"""Entitlements: paid features of the hosted platform, of which a server of one's own has none to sell."""
