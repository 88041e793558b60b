"""Features of each customer's use, from the kernels over day-vectors and the contracts that say whose they are."""
