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
if options.certificate:
    Handler.certfile = options.certificate
    Handler.tls_control_required = True
    Handler.tls_data_required = True

server = FTPServer(("127.0.0.1", 0), Handler)
print(server.address[1], flush=True)

server.serve_forever()
