"""Training of the three networks on phantoms; torch is needed here and nowhere else."""
