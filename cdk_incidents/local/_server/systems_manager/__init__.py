"""What Incident Manager and its users need of Systems Manager: documents, OpsItems, change calendars."""
