"""`mace check`: a model's source, run by its own framework's runtime, beside MACE, tensor by tensor (docs/check.md)."""
