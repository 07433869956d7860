"""What sets incidents off: alarms, rules and schedules, and the functions that they invoke."""
