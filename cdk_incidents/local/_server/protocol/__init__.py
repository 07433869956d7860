"""AWS's protocols as botocore's models describe them; nothing here knows a service's rules."""
