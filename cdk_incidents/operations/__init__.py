"""What operators do with a deployed trigger: suppress its routes for a while, bring its dead letters back."""
