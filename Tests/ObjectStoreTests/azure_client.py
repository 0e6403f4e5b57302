"""What the official SDK makes of a container.

usage: azure_client.py CONNECTION CONTAINER read NAME | write NAME SIZE | names | tier NAME TIER | state NAME | lock NAME |
       sas
`read` prints length, SHA-256, content type, tier and metadata; `write` stores the pattern of the tests in blocks;
`sas` prints a signature for the container and one for the account.
"""
import hashlib
import sys
from datetime import datetime, timedelta, timezone

from azure.storage.blob import (
    AccountSasPermissions, BlobServiceClient, ContainerSasPermissions, ResourceTypes, generate_account_sas,
    generate_container_sas)

connection, container, verb, *rest = sys.argv[1:]
service = BlobServiceClient.from_connection_string(
    connection, max_single_put_size=1 << 20, max_block_size=1 << 20, max_single_get_size=1 << 20,
    max_chunk_get_size=1 << 20, retry_total=0)
client = service.get_container_client(container)
if verb == "read":
    blob = client.get_blob_client(rest[0])
    properties = blob.get_blob_properties()
    data = blob.download_blob(max_concurrency=2).readall()
    print(len(data), hashlib.sha256(data).hexdigest(), properties.content_settings.content_type,
          properties.blob_tier, properties.metadata.get("sha256"))
elif verb == "write":
    state, data = 12345, bytearray()
    for _ in range(int(rest[1])):
        state = (state * 1664525 + 1013904223) & 0xffffffff
        data.append(state >> 24)
    client.upload_blob(rest[0], bytes(data), overwrite=True)
elif verb == "names":
    print("\n".join(blob.name for blob in client.list_blobs()))
elif verb == "tier":
    client.get_blob_client(rest[0]).set_standard_blob_tier(rest[1])
elif verb == "state":
    properties = client.get_blob_client(rest[0]).get_blob_properties()
    print(properties.blob_tier, properties.archive_status)
elif verb == "lock":
    policy = client.get_blob_client(rest[0]).get_blob_properties().immutability_policy
    print(policy.policy_mode, policy.expiry_time and round((policy.expiry_time - datetime.now(timezone.utc)).days))
elif verb == "sas":
    until = datetime.now(timezone.utc) + timedelta(hours=1)
    key = service.credential.account_key
    print(generate_container_sas(
        service.account_name, container, key, permission=ContainerSasPermissions(read=True, list=True), expiry=until))
    print(generate_container_sas(
        service.account_name, container, key, expiry=until,
        permission=ContainerSasPermissions(read=True, write=True, create=True, list=True, delete=True)))
    print(generate_account_sas(
        service.account_name, key, resource_types=ResourceTypes(container=True, object=True),
        permission=AccountSasPermissions(read=True, write=True, create=True, list=True, delete=True), expiry=until))
