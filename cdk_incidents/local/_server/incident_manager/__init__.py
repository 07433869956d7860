"""Incident Manager and its contacts: their rules, their quotas, and what an incident sets off."""
