"""The loopback AWS: one process that plays AWS on 127.0.0.1, with Incident Manager in it.

Start it with ``python -m cdk_incidents.local._server --port 0 --dir DIR``. A test double: what AWS's
documents do not settle is marked ``CHOICE`` in the code, with what was chosen.
"""
