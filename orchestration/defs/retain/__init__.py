"""Retain: expiry with proof."""
