"""The dashboard: a static site of all executions, made of the history, page by page as something changes."""
