"""Importers of published models: from their authors' checkpoints to ONNX (torch only here)."""
