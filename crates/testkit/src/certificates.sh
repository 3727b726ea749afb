# Makes in the folder $1 the certificate of an authority (authority.crt), and one of 127.0.0.1 that it vouches for
# (server.crt, server.key).
make_certificates() {
  ec="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
  openssl req -x509 $ec -keyout "$1/authority.key" -out "$1/authority.crt" -days 3650 -subj /CN=authority \
    -addext keyUsage=keyCertSign,cRLSign 2>/dev/null &&
  openssl req $ec -keyout "$1/server.key" -out "$1/server.csr" -subj /CN=server \
    -addext subjectAltName=IP:127.0.0.1,DNS:localhost 2>/dev/null &&
  openssl x509 -req -in "$1/server.csr" -CA "$1/authority.crt" -CAkey "$1/authority.key" -CAcreateserial \
    -out "$1/server.crt" -days 3650 -copy_extensions copyall 2>/dev/null
}
