"""What is looked at before a job is run: one thing a file, from what is known of the job to findings."""
