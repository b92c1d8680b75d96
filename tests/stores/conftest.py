"""Tests of S3 run against a service of this machine."""

from s3_fixtures import objects, put, put_folder, running, service  # noqa: F401 (fixtures)
