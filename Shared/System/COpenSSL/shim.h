#pragma once
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Macros, which Swift cannot call.

static inline int souk_ssl_require_tls12(SSL_CTX *context) {
  return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}
static inline int souk_ssl_name_server(SSL *session, const char *host) {
  return SSL_set_tlsext_host_name(session, host);
}
// 1 when `host` is an IP address, which the certificate then has to name as one.
static inline int souk_ssl_expect_address(SSL *session, const char *host) {
  return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host);
}
