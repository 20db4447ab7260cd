"""Model core of the long-tailed chest X-ray ablation study: no DVC, no argument parsing, no fixed paths."""
