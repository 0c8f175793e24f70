"""The same audit over buckets of patients: in local processes, and on Spark."""
