"""The pytest fixture `local_cloud`."""
