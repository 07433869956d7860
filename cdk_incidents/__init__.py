"""AWS CDK constructs for Incident Manager."""
