"""The job side by side with other tools, in one run on one machine: `python -m benchmarks --help`."""
