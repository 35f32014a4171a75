"""Campaigns that pay a community: epochs, allocation, payouts, and what happens on chain."""
