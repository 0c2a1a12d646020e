"""From virtual objects to host objects: pure functions, dict in, new dict out.

Every host object is built field by field from an allow-list of its kind (fields.py says how
it is read); a field without a verdict is refused, so that what Kubernetes adds tomorrow reaches no
host unseen.
"""
