"""An FTP server for tests: serves a folder on 127.0.0.1, and prints its port."""

import argparse
import logging

from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer

parser = argparse.ArgumentParser()
parser.add_argument("--root", required=True)
parser.add_argument("--user", default="reader")
parser.add_argument("--password", default="")
parser.add_argument("--certificate", help="PEM file with key and certificate: TLS of the explicit kind is required")
parser.add_argument("--masquerade", help="the address that PASV answers with")
parser.add_argument("--names-only", action="store_true", help="know neither MLSD nor MLST")
options = parser.parse_args()
logging.disable(logging.CRITICAL)

kind = FTPHandler
if options.certificate:
    from pyftpdlib.handlers import TLS_FTPHandler

    kind = TLS_FTPHandler

authorizer = DummyAuthorizer()
authorizer.add_user(options.user, options.password, options.root, perm="elr")


class Handler(kind):
    pass


Handler.authorizer = authorizer
Handler.masquerade_address = options.masquerade
# A client that was refused need not wait for its answer.
Handler.auth_failed_timeout = 0
if options.names_only:
    Handler.proto_cmds = {name: what for name, what in kind.proto_cmds.items() if name not in ("MLSD", "MLST")}
if options.certificate:
    Handler.certfile = options.certificate
    Handler.tls_control_required = True
    Handler.tls_data_required = True

    class DataHandler(Handler.dtp_handler):
        """Does not take the handshake for data: libcurl 7.88 begins it before it sends the command that asks for some.

        Other servers leave it unread until then, as ProFTPD does, which tests run against, too.
        """

        def readable(self):
            return self.receive or self._ssl_want_read or not self._ssl_established

    Handler.dtp_handler = DataHandler
    # Clients resume the control connection's session for the data; without this OpenSSL hangs up on them.
    Handler.get_ssl_context().set_session_id(b"souk")

server = FTPServer(("127.0.0.1", 0), Handler)
print(server.address[1], flush=True)

server.serve_forever()
