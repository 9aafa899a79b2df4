"""Training of the two networks on phantoms; torch is needed here and nowhere else."""
