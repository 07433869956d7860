"""The CloudFormation types that the emulator lacks, played by the services' own operations."""
