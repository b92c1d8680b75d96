"""Alerts: rules over the history, states of alarms as CloudWatch has them, and messages where a state changes."""
