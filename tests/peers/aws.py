"""What boto3 sees of a store and of a key service; one line of JSON."""

import hashlib
import json
import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, utils

word, url, *rest = sys.argv[1:]
config = Config(retries={"max_attempts": 1}, connect_timeout=10, read_timeout=30)


def code(act):
    """The code of the refusal; none when there is none."""
    try:
        act()
    except ClientError as error:
        return error.response["Error"]["Code"]
    return None


def store():
    return boto3.client("s3", endpoint_url=url, config=config)


def make(bucket):
    s3 = store()
    place = {"LocationConstraint": s3.meta.region_name}
    s3.create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=True, CreateBucketConfiguration=place)
    return {}


def look(bucket):
    s3, seen = store(), []
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        for version in page.get("Versions", []):
            one = {"Bucket": bucket, "Key": version["Key"], "VersionId": version["VersionId"]}
            head = s3.head_object(**one)
            seen.append({
                "key": version["Key"],
                "mode": head.get("ObjectLockMode"),
                "days": (head["ObjectLockRetainUntilDate"] - version["LastModified"]).total_seconds() / 86400
                if "ObjectLockRetainUntilDate" in head else None,
                "hold": head.get("ObjectLockLegalHoldStatus"),
                "delete": code(lambda: s3.delete_object(**one)),
            })
    return seen


def change(bucket, key):
    s3 = store()
    body = bytearray(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
    at = body.index(b'"seq":')
    body[at + 1] ^= 1
    s3.put_object(Bucket=bucket, Key=key, Body=bytes(body))
    return {}


def restore(bucket, key):
    """Takes the newest version away, be it a change or a mark of deletion."""
    s3 = store()
    page = s3.list_object_versions(Bucket=bucket, Prefix=key)
    newest = [v for v in page.get("Versions", []) + page.get("DeleteMarkers", []) if v["IsLatest"]]
    s3.delete_object(Bucket=bucket, Key=key, VersionId=newest[0]["VersionId"])
    return {}


def remove(bucket, key):
    store().delete_object(Bucket=bucket, Key=key)
    return {}


def hold(bucket, key):
    """As a lawyer would, without the gate."""
    store().put_object_legal_hold(Bucket=bucket, Key=key, LegalHold={"Status": "ON"})
    return {}


def key(spec, alias):
    kms = boto3.client("kms", endpoint_url=url, config=config)
    arn = kms.create_key(KeySpec=spec, KeyUsage="SIGN_VERIFY")["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName=alias, TargetKeyId=arn)
    return arn


def public(key_id):
    kms = boto3.client("kms", endpoint_url=url, config=config)
    public_key = serialization.load_der_public_key(kms.get_public_key(KeyId=key_id)["PublicKey"])
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return public_key.public_bytes(serialization.Encoding.PEM, form).decode()


def holds(spec, spki, message, digest, signature):
    key = serialization.load_der_public_key(spki)
    try:
        if isinstance(key, ed25519.Ed25519PublicKey):
            key.verify(signature, message)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            kind = hashes.SHA384() if spec == "ECC_NIST_P384" else hashes.SHA256()
            key.verify(signature, digest, ec.ECDSA(utils.Prehashed(kind)))
        else:
            key.verify(signature, digest, padding.PKCS1v15(), utils.Prehashed(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def keys(*arns):
    """Signs with each key, RAW and DIGEST, and verifies without the service."""
    kms, seen = boto3.client("kms", endpoint_url=url, config=config), {}
    message = b"a message"
    for arn in arns:
        told = kms.get_public_key(KeyId=arn)
        spec, algorithm = told["KeySpec"], told["SigningAlgorithms"][0]
        kind = hashlib.sha384 if spec == "ECC_NIST_P384" else hashlib.sha256
        digest, found = kind(message).digest(), {}
        for form, content in [("RAW", message), ("DIGEST", digest)]:
            asked = {"KeyId": arn, "MessageType": form, "SigningAlgorithm": algorithm}
            try:
                signature = kms.sign(Message=content, **asked)["Signature"]
                found[form] = holds(spec, told["PublicKey"], message, digest, signature)
            except ClientError as error:
                found[form] = error.response["Error"]["Code"]
        asked = {"KeyId": arn, "MessageType": "RAW", "SigningAlgorithm": algorithm}
        found["long"] = code(lambda: kms.sign(Message=b"m" * 4097, **asked))
        seen[spec] = found
    seen["missing"] = code(lambda: kms.get_public_key(KeyId="alias/nobody"))
    mine = {"aws_access_key_id": os.environ["AWS_ACCESS_KEY_ID"], "aws_secret_access_key": "wrong"}
    wrong = boto3.client("kms", endpoint_url=url, config=config, **mine)
    seen["wrong secret"] = code(lambda: wrong.get_public_key(KeyId=arns[0]))
    return seen


def disabled(arn):
    kms = boto3.client("kms", endpoint_url=url, config=config)
    return code(lambda: kms.get_public_key(KeyId=arn))


acts = {f.__name__: f for f in (make, look, change, restore, remove, hold, key, public, keys, disabled)}
print(json.dumps(acts[word](*rest)))
