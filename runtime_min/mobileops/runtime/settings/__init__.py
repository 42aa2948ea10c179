"""What the operator set for a plugin: stored durably, secrets apart, judged by the manifest's definitions."""
