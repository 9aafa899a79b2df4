"""The field's architectures on the same scans as the default one, in one generated table."""
