"""What runs inside AWS: standard library and boto3 only."""
