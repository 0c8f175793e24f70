"""The night: picks up exports that arrived, audits them as one run, files everything away."""
