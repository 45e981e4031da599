"""Zones and now."""
