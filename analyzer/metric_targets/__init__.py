"""Metrics to other systems than CloudWatch, from the same records: a Prometheus text file, OTLP, a webhook."""
