"""What S3 and its client complain of, as reasons and cures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from analyzer.config import without_credentials
from analyzer.stores.store import StoreError

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

ACTIONS = {
    "ListObjectsV2": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "CreateMultipartUpload": "s3:PutObject",
    "UploadPart": "s3:PutObject",
    "CompleteMultipartUpload": "s3:PutObject",
}
"""The permission that an operation needs, where it is not called like the operation."""
DENIED = "access is denied"
REPLACED_MEANWHILE = ("it was replaced while it was read", "Start the job again when nobody writes there.")
CORRECT_KEY = "Correct the key: it is taken as it is written, with small and capital letters and without escapes."
RENEW = "Renew the credentials, and check the clock of the machine."
LATER = "Start the job again later; AWS_MAX_ATTEMPTS makes it more patient."
REGION = "Set AWS_REGION to the region of the bucket."
ENDPOINT = "Check the network, AWS_ENDPOINT_URL and AWS_REGION."
CREDENTIALS = "Give the job a role, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE."

REASONS: dict[str, tuple[str, str]] = {
    "NoSuchBucket": ("there is no bucket of that name", "Correct the bucket, or AWS_ENDPOINT_URL if it is elsewhere."),
    "InvalidBucketName": ("the name of the bucket is not valid", "Write s3://bucket/key."),
    "NoSuchKey": ("there is no such object", CORRECT_KEY),
    "404": ("there is no such object", CORRECT_KEY),
    "PreconditionFailed": REPLACED_MEANWHILE,
    "412": REPLACED_MEANWHILE,
    "InvalidObjectState": ("it is archived", "Restore it from the archive first, or take it out of the source."),
    "InvalidAccessKeyId": ("the access key is not known there", RENEW),
    "SignatureDoesNotMatch": ("the secret key does not fit the access key", RENEW),
    "ExpiredToken": ("the credentials have expired", RENEW),
    "InvalidToken": ("the session token is not valid", RENEW),
    "RequestTimeTooSkewed": ("the clock of this machine is wrong", "Set the clock."),
    "PermanentRedirect": ("the bucket lies in another region", REGION),
    "AuthorizationHeaderMalformed": ("the request was signed for another region", REGION),
    "SlowDown": ("the service still refuses after all attempts: too many requests", LATER),
}
"""By code of S3: what it means and what to do."""


@contextmanager
def named(place: Any) -> Iterator[None]:
    """Turn what the client raises about a place (anything with `bucket` and `key`) into StoreError."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as error:
        raise StoreError(*_refusal(error, place), str(place)) from error
    except BotoCoreError as error:
        raise StoreError(*_failure(error), str(place)) from error
    except ValueError as error:  # of an endpoint that is no URL
        raise StoreError(without_credentials(str(error)), ENDPOINT, str(place)) from error


def _refusal(error: ClientError, place: Any) -> tuple[str, str]:
    """Say what an answer of the service means."""
    found = error.response.get("Error", {})
    code, status = str(found.get("Code", "")), error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in REASONS:
        reason, cure = REASONS[code]
        return f"{reason} ({code})", cure
    if code in {"AccessDenied", "AllAccessDisabled", "403", "Forbidden"} or status == 403:
        return f"{DENIED} ({code})", _allowing(error.operation_name, place)
    if status >= 500:
        return f"the service still fails after all attempts ({code})", LATER
    return f"{without_credentials(str(found.get('Message') or code))} ({code})", "See docs/s3.md for what is needed."


def _allowing(operation: str, place: Any) -> str:
    action = ACTIONS.get(operation, f"s3:{operation}")
    if action == "s3:ListBucket":
        return f"Allow the job {action} on the bucket {place.bucket}."
    missing = " Without s3:ListBucket an object that does not exist looks the same." if operation == "GetObject" else ""
    return f"Allow the job {action} on {place}.{missing}"


def _failure(error: BotoCoreError) -> tuple[str, str]:
    """Say why there was no answer."""
    from botocore import exceptions

    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return "there are no credentials for S3, or not all of them", CREDENTIALS
    if isinstance(error, exceptions.ConnectionError | exceptions.HTTPClientError):
        return f"the endpoint cannot be reached or does not answer ({type(error).__name__})", ENDPOINT
    if isinstance(error, exceptions.ParamValidationError):
        return REASONS["InvalidBucketName"]
    of_credentials = exceptions.CredentialRetrievalError | exceptions.TokenRetrievalError | exceptions.ProfileNotFound
    return without_credentials(str(error)), CREDENTIALS if isinstance(error, of_credentials) else ENDPOINT
