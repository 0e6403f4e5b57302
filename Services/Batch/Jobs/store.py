"""Places for objects: a folder, S3, Azure Blob Storage. Addresses and settings are those of the services.

An object is written whole or not at all. `create` writes it only where there is none: of two writers one is told.
"""

import os
import tempfile
import urllib.parse


class Missing(Exception):
    """There is no such object."""


class Unreachable(Exception):
    """The store does not answer, or says that it cannot now: trying again may help."""


def setting(name):
    """A setting of the services: the variable, or what is in the file that `<name>_FILE` names."""
    path = os.environ.get(name + "_FILE")
    if name in os.environ or not path:
        return os.environ.get(name) or None
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def open_store(url):
    """The store at `file:///folder`, `s3://bucket/prefix` or `az://container/prefix`."""
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "file":
        return Folder(urllib.parse.unquote(parts.path))
    if parts.scheme == "s3":
        return S3(parts.netloc, parts.path.strip("/"))
    if parts.scheme == "az":
        return Azure(parts.netloc, parts.path.strip("/"))
    raise SystemExit(f"'{url}' is no object store: write s3://bucket/prefix, az://container/prefix or file:///folder")


class Folder:
    """A folder; keys are paths in it, percent-encoded names stay as they are."""

    def __init__(self, path):
        self.path = path

    def _place(self, key):
        return os.path.join(self.path, *key.split("/"))

    def get(self, key):
        try:
            with open(self._place(key), "rb") as file:
                return file.read()
        except (FileNotFoundError, NotADirectoryError):
            raise Missing(key) from None

    def create(self, key, content):
        """True when it is written, False when there is one already."""
        place = self._place(key)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".part-", dir=os.path.dirname(place))
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.chmod(temporary, 0o644)
            os.link(temporary, place)
            return True
        except FileExistsError:
            return False
        finally:
            os.unlink(temporary)

    def put(self, key, content):
        """Replaces the object."""
        place = self._place(key)
        os.makedirs(os.path.dirname(place), exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".part-", dir=os.path.dirname(place))
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, place)

    def list(self, prefix):
        """Keys that begin with `prefix`, ascending."""
        top = self._place(prefix.rsplit("/", 1)[0]) if "/" in prefix else self.path
        found = []
        for folder, _, names in os.walk(top):
            relative = os.path.relpath(folder, self.path)
            for name in names:
                key = name if relative == "." else f"{relative}/{name}"
                if key.startswith(prefix) and not name.startswith(".part-"):
                    found.append(key)
        return sorted(found)

    def delete(self, key):
        try:
            os.unlink(self._place(key))
        except FileNotFoundError:
            pass


class S3:
    """A bucket. Credentials are those of the services' variables, or what boto3 finds; `S3_ENDPOINT` names another
    server than Amazon's."""

    def __init__(self, bucket, prefix):
        import boto3
        import botocore.config
        import botocore.exceptions
        self.bucket, self.prefix = bucket, prefix + "/" if prefix else ""
        endpoint = setting("S3_ENDPOINT")
        style = os.environ.get("S3_ADDRESSING", "auto")
        self.errors = botocore.exceptions
        self.client = boto3.client(
            "s3", endpoint_url=endpoint, region_name=os.environ.get("AWS_REGION", "us-east-1"),
            verify=os.environ.get("S3_CA_FILE") or None, aws_access_key_id=setting("AWS_ACCESS_KEY_ID"),
            aws_secret_access_key=setting("AWS_SECRET_ACCESS_KEY"), aws_session_token=setting("AWS_SESSION_TOKEN"),
            config=botocore.config.Config(
                retries={"max_attempts": 5, "mode": "standard"}, connect_timeout=10, read_timeout=60,
                s3={"addressing_style": {"path": "path", "host": "virtual"}.get(
                    style, "path" if endpoint else "virtual")}))

    def _call(self, name, key, **arguments):
        try:
            return getattr(self.client, name)(Bucket=self.bucket, **arguments)
        except self.errors.ClientError as error:
            code = error.response.get("Error", {}).get("Code", "")
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            if code in ("NoSuchKey", "NoSuchBucket", "404"):
                raise Missing(key) from None
            if code in ("PreconditionFailed", "ConditionalRequestConflict") or status in (409, 412):
                raise FileExistsError(key) from None
            if status >= 500 or status == 429:
                raise Unreachable(f"s3://{self.bucket}: {error}") from None
            raise
        except self.errors.BotoCoreError as error:
            raise Unreachable(f"s3://{self.bucket}: {error}") from None

    def get(self, key):
        answer = self._call("get_object", key, Key=self.prefix + key)
        try:
            return answer["Body"].read()
        except Exception as error:  # The body's errors are of several libraries; each is a transfer that broke off.
            raise Unreachable(f"s3://{self.bucket}/{key}: {error}") from None

    def create(self, key, content):
        try:
            self._call("put_object", key, Key=self.prefix + key, Body=content, IfNoneMatch="*")
            return True
        except FileExistsError:
            return False

    def put(self, key, content):
        self._call("put_object", key, Key=self.prefix + key, Body=content)

    def list(self, prefix):
        keys, mark = [], None
        while True:
            page = self._call("list_objects_v2", prefix, Prefix=self.prefix + prefix,
                              **({"ContinuationToken": mark} if mark else {}))
            keys += [entry["Key"][len(self.prefix):] for entry in page.get("Contents", [])]
            mark = page.get("NextContinuationToken")
            if not mark:
                return sorted(keys)

    def delete(self, key):
        self._call("delete_object", key, Key=self.prefix + key)


class Azure:
    """A container, with the variables of the services: account and key, signature, or connection string."""

    def __init__(self, container, prefix):
        import azure.core.exceptions
        from azure.storage.blob import BlobServiceClient
        self.errors, self.prefix = azure.core.exceptions, prefix + "/" if prefix else ""
        given = setting("AZURE_STORAGE_CONNECTION_STRING")
        if given:
            service = BlobServiceClient.from_connection_string(given)
        else:
            account = setting("AZURE_STORAGE_ACCOUNT")
            service = BlobServiceClient(
                setting("AZURE_STORAGE_SERVICE_ENDPOINT") or f"https://{account}.blob.core.windows.net",
                credential=setting("AZURE_STORAGE_KEY") or setting("AZURE_STORAGE_SAS_TOKEN"))
        self.container = service.get_container_client(container)

    def _call(self, key, work):
        try:
            return work()
        except self.errors.ResourceNotFoundError:
            raise Missing(key) from None
        except self.errors.ResourceExistsError:
            raise FileExistsError(key) from None
        except (self.errors.ServiceRequestError, self.errors.ServiceResponseError) as error:
            raise Unreachable(f"{key}: {error}") from None
        except self.errors.HttpResponseError as error:
            if (error.status_code or 0) >= 500 or error.status_code == 429:
                raise Unreachable(f"{key}: {error}") from None
            raise

    def get(self, key):
        return self._call(key, lambda: self.container.download_blob(self.prefix + key).readall())

    def create(self, key, content):
        try:
            self._call(key, lambda: self.container.upload_blob(self.prefix + key, content, overwrite=False))
            return True
        except FileExistsError:
            return False

    def put(self, key, content):
        self._call(key, lambda: self.container.upload_blob(self.prefix + key, content, overwrite=True))

    def list(self, prefix):
        names = self._call(prefix, lambda: [
            name for name in self.container.list_blob_names(name_starts_with=self.prefix + prefix)])
        return sorted(name[len(self.prefix):] for name in names)

    def delete(self, key):
        try:
            self._call(key, lambda: self.container.delete_blob(self.prefix + key))
        except Missing:
            pass
