"""Azure Blob Storage's REST API, as far as the object store speaks it, in memory.

Every request is verified by the official SDK's own code: its shared key policy signs the request that came in again,
and its generator makes the shared access signature that came in again. Prints the port it listens on. A blob leaves
the archive when its properties were asked for LOOKS times since. Tokens of identities are good when they begin with
good-.

usage: server.py ACCOUNT KEY [LOOKS]
"""
import base64
import hashlib
import hmac
import sys
import threading
from datetime import datetime, timezone
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

from azure.core.pipeline import PipelineContext, PipelineRequest
from azure.core.pipeline.transport import HttpRequest
from azure.storage.blob._shared.authentication import SharedKeyCredentialPolicy
from azure.storage.blob._shared.shared_access_signature import SharedAccessSignature
from azure.storage.blob._shared_access_signature import BlobSharedAccessSignature

ACCOUNT, KEY = sys.argv[1], sys.argv[2]
LOOKS = int(sys.argv[3]) if len(sys.argv) > 3 else 2
TIERS = {"Hot", "Cool", "Cold", "Archive"}
lock = threading.Lock()
containers = {}


class Refusal(Exception):
    def __init__(self, status, code):
        self.status, self.code = status, code


class Blob:
    def __init__(self, data, headers, content_type, md5):
        self.data, self.content_type, self.md5 = data, content_type, md5
        self.meta = {k[10:]: v for k, v in headers.items() if k.startswith("x-ms-meta-")}
        self.tier = headers.get("x-ms-access-tier")
        if self.tier is not None and self.tier not in TIERS:
            raise Refusal(400, "InvalidHeaderValue")
        self.policy = {k: headers[k] for k in (
            "x-ms-immutability-policy-mode", "x-ms-immutability-policy-until-date") if k in headers}
        # The tier a blob is on its way to out of the archive, and how many looks that takes.
        self.pending, self.looks = None, 0
        self.etag = '"0x%s"' % hashlib.sha1(data + str(datetime.now()).encode()).hexdigest()[:15].upper()
        self.modified = formatdate(usegmt=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *arguments):
        pass

    def handle_any(self):
        body = b""
        try:
            if "content-length" in self.headers:
                body = self.rfile.read(int(self.headers["content-length"]))
            elif self.command == "PUT":
                raise Refusal(411, "MissingContentLengthHeader")
            self.asked = urlsplit(self.path)
            self.query = {k: v[0] for k, v in parse_qs(self.asked.query, keep_blank_values=True).items()}
            self.own = {k.lower(): v for k, v in self.headers.items()}
            parts = self.asked.path.split("/", 3)[1:]
            if parts[0] != ACCOUNT:
                raise Refusal(404, "ResourceNotFound")
            container = unquote(parts[1]) if len(parts) > 1 else ""
            name = unquote(parts[2]) if len(parts) > 2 else None
            self.authorize(container, name)
            if "content-md5" in self.own:
                if base64.b64encode(hashlib.md5(body).digest()).decode() != self.own["content-md5"]:
                    raise Refusal(400, "Md5Mismatch")
            with lock:
                self.answer(*self.perform(container, name, body))
        except Refusal as refusal:
            text = ('\ufeff<?xml version="1.0" encoding="utf-8"?><Error><Code>%s</Code><Message>m</Message></Error>'
                    % refusal.code).encode()
            self.answer(refusal.status, {"x-ms-error-code": refusal.code, "Content-Type": "application/xml"}, text)

    do_GET = do_PUT = do_HEAD = do_DELETE = handle_any

    def answer(self, status, headers=None, body=b""):
        self.send_response(status)
        headers = dict(headers or {})
        headers.setdefault("Content-Length", str(len(body)))
        headers["x-ms-version"] = self.headers.get("x-ms-version", "")
        for key, value in headers.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    # -- who may

    def authorize(self, container, name):
        if "sig" in self.query:
            return self.check_signature(container, name)
        given = self.headers.get("authorization")
        if not given:
            raise Refusal(401, "NoAuthenticationInformation")
        if "x-ms-version" not in self.own:
            raise Refusal(400, "MissingRequiredHeader")
        if given.startswith("Bearer "):
            if not given.startswith("Bearer good-"):
                raise Refusal(401, "InvalidAuthenticationInfo")
            return
        try:
            asked = datetime.strptime(self.own["x-ms-date"], "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=timezone.utc)
        except (KeyError, ValueError):
            raise Refusal(403, "AuthenticationFailed")
        if abs((datetime.now(timezone.utc) - asked).total_seconds()) > 900:
            raise Refusal(403, "AuthenticationFailed")
        headers = {k: v for k, v in self.own.items() if k != "authorization"}
        request = HttpRequest(self.command, "http://%s%s" % (self.headers["host"], self.path), headers=headers)
        SharedKeyCredentialPolicy(ACCOUNT, KEY).on_request(PipelineRequest(request, PipelineContext(None)))
        if not hmac.compare_digest(request.headers["Authorization"], given):
            raise Refusal(403, "AuthenticationFailed")

    def check_signature(self, container, name):
        q = self.query
        if q.get("se", "") < datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"):
            raise Refusal(403, "AuthenticationFailed")
        if q.get("sr") == "c":
            helper = BlobSharedAccessSignature(ACCOUNT, KEY)
            helper.x_ms_version = q["sv"]
            token = helper.generate_container(container, q.get("sp"), q.get("se"), q.get("st"), protocol=q.get("spr"))
        elif "ss" in q:
            token = SharedAccessSignature(ACCOUNT, KEY, q["sv"]).generate_account(
                q["ss"], q["srt"], q.get("sp"), q.get("se"), q.get("st"), protocol=q.get("spr"))
        else:
            raise Refusal(403, "AuthenticationFailed")
        if parse_qs(token)["sig"][0] != q["sig"]:
            raise Refusal(403, "AuthenticationFailed")
        if q.get("sr") == "c" and q.get("restype") == "container" and q.get("comp") != "list":
            # A signature for a container gives rights to what is in it.
            raise Refusal(403, "AuthorizationFailure")
        needed = {"GET": "l" if q.get("comp") == "list" else "r", "HEAD": "r", "DELETE": "d"}.get(self.command, "cw")
        if not set(needed) & set(q.get("sp", "")):
            raise Refusal(403, "AuthorizationPermissionMismatch")

    # -- what is done

    def perform(self, container, name, body):
        comp = self.query.get("comp")
        if name is None:
            return self.perform_on_container(container, comp)
        if container not in containers:
            raise Refusal(404, "ContainerNotFound")
        blobs, blocks = containers[container]
        if self.command == "PUT" and comp == "block":
            blocks.setdefault(name, {})[self.query["blockid"]] = body
            return 201, {}
        if self.command == "PUT" and comp == "tier":
            if self.own.get("x-ms-access-tier") not in TIERS:
                raise Refusal(400, "InvalidHeaderValue")
            return self.set_tier(self.known(blobs, name), self.own["x-ms-access-tier"])
        if self.command == "PUT":
            if self.own.get("if-none-match") == "*" and name in blobs:
                raise Refusal(409, "BlobAlreadyExists")
            if comp == "blocklist":
                waiting = blocks.get(name, {})
                ids = [element.text for element in ElementTree.fromstring(body)]
                if any(block not in waiting for block in ids) or len({len(block) for block in ids}) > 1:
                    raise Refusal(400, "InvalidBlockList")
                data = b"".join(waiting[block] for block in ids)
                blob = Blob(data, self.own, self.own.get("x-ms-blob-content-type"),
                            self.own.get("x-ms-blob-content-md5"))
                blocks.pop(name, None)
            elif self.own.get("x-ms-blob-type") == "BlockBlob":
                md5 = base64.b64encode(hashlib.md5(body).digest()).decode()
                kind = self.own.get("x-ms-blob-content-type") or self.own.get("content-type")
                blob = Blob(body, self.own, kind, md5)
            else:
                raise Refusal(400, "InvalidHeaderValue")
            blobs[name] = blob
            return 201, {"ETag": blob.etag, "Last-Modified": blob.modified}
        blob = self.known(blobs, name)
        if self.command == "DELETE":
            del blobs[name]
            return 202, {}
        if blob.tier == "Archive" and self.command == "GET":
            raise Refusal(409, "BlobBeingRehydrated" if blob.pending else "BlobArchived")
        if blob.pending and self.command == "HEAD":
            blob.looks -= 1
            if blob.looks < 0:
                blob.tier, blob.pending = blob.pending, None
        headers = {"ETag": blob.etag, "Last-Modified": blob.modified, "x-ms-blob-type": "BlockBlob",
                   "Content-Type": blob.content_type or "application/octet-stream", "Accept-Ranges": "bytes",
                   "x-ms-access-tier": blob.tier or "Hot"}
        if blob.pending:
            headers["x-ms-archive-status"] = "rehydrate-pending-to-" + blob.pending.lower()
        if blob.md5:
            headers["Content-MD5"] = blob.md5
        headers.update({"x-ms-meta-" + k: v for k, v in blob.meta.items()})
        headers.update(blob.policy)
        if self.command == "HEAD":
            return 200, {**headers, "Content-Length": str(len(blob.data))}
        asked = self.own.get("x-ms-range") or self.own.get("range")
        if not asked:
            return 200, headers, blob.data
        first, last = asked.split("=")[1].split("-")
        first, last = int(first), min(int(last or len(blob.data)), len(blob.data) - 1)
        if first >= len(blob.data):
            raise Refusal(416, "InvalidRange")
        # Of the whole blob, not of this range.
        headers["x-ms-blob-content-md5"] = headers.pop("Content-MD5", "")
        headers["Content-Range"] = "bytes %d-%d/%d" % (first, last, len(blob.data))
        return 206, headers, blob.data[first:last + 1]

    @staticmethod
    def set_tier(blob, tier):
        if blob.pending:
            if tier != blob.pending:
                raise Refusal(409, "BlobBeingRehydrated")
            return 202, {}
        if blob.tier == "Archive" and tier != "Archive":
            blob.pending, blob.looks = tier, LOOKS
            return 202, {}
        blob.tier = tier
        return 200, {}

    @staticmethod
    def known(blobs, name):
        if name not in blobs:
            raise Refusal(404, "BlobNotFound")
        return blobs[name]

    def perform_on_container(self, container, comp):
        if self.command == "PUT":
            if container in containers:
                raise Refusal(409, "ContainerAlreadyExists")
            containers[container] = ({}, {})
            return 201, {}
        if container not in containers:
            raise Refusal(404, "ContainerNotFound")
        if self.command == "HEAD" or comp != "list":
            return 200, {}
        prefix, mark = self.query.get("prefix", ""), self.query.get("marker", "")
        most = int(self.query.get("maxresults", 5000))
        blobs = containers[container][0]
        names = sorted((name for name in blobs if name.startswith(prefix)), key=str.encode)
        names = [name for name in names if base64.b64encode(name.encode()).decode() == mark
                 or not mark or name.encode() > base64.b64decode(mark)]
        page, rest = names[:most], names[most:]
        listed = "".join(
            "<Blob><Name>%s</Name><Properties><Creation-Time>%s</Creation-Time><Last-Modified>%s</Last-Modified>"
            "<Etag>%s</Etag><Content-Length>%d</Content-Length><Content-Type>%s</Content-Type>"
            "<BlobType>BlockBlob</BlobType><AccessTier>%s</AccessTier>%s</Properties></Blob>"
            % (escape(name), blobs[name].modified, blobs[name].modified, blobs[name].etag, len(blobs[name].data),
               blobs[name].content_type, blobs[name].tier or "Hot",
               "<ArchiveStatus>rehydrate-pending-to-%s</ArchiveStatus>" % blobs[name].pending.lower()
               if blobs[name].pending else "")
            for name in page)
        # A mark names the first blob of the next page.
        following = base64.b64encode(rest[0].encode()).decode() if rest else ""
        text = ('\ufeff<?xml version="1.0" encoding="utf-8"?><EnumerationResults ContainerName="%s"><Blobs>%s</Blobs>'
                "<NextMarker>%s</NextMarker></EnumerationResults>" % (container, listed, following))
        return 200, {"Content-Type": "application/xml"}, text.encode()


server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
server.daemon_threads = True
print(server.server_address[1], flush=True)
server.serve_forever()
