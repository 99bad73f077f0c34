import { checked, type RecipeFacts, type RecipeOptions } from './recipe.js';

export const haproxyFacts: RecipeFacts = {
  reload:
    'through the runtime API without a reload (option socket), or systemctl reload haproxy; no request is dropped',
  expired: 'refuses it in the TLS handshake',
  proved: 'HAProxy 2.6.12 with OpenSSL 3.0',
};

/** A frontend and a backend for haproxy.cfg. The private key is read from `<certificateFile>.key`. */
export function haproxyRecipe(options: RecipeOptions): string {
  const { listen, certificateFile, trustFile, upstream } = checked(options);
  return `# Accepts the client certificates of API Gateway that are in ${trustFile}, and nobody else.
# They all have one subject, so a CA bundle would accept only the first of them.
frontend apigw
    mode http
    # At a reload, kept connections are closed with their next answer and not while they are idle: no POST is lost.
    option idle-close-on-response
    # crt-ignore-err 18 (self-signed) and never "all", which would let expired certificates in. ca-file has to name
    # something and decides nothing; no-ca-names keeps its names from the client, which might choose by them.
    bind ${listen} ssl crt ${certificateFile} ssl-min-ver TLSv1.2 verify required crt-ignore-err 18 ca-file ${certificateFile} no-ca-names
    http-request deny deny_status 403 unless { ssl_c_der,sha2(256),hex,lower -m str -f ${trustFile} }
    default_backend apigw

backend apigw
    mode http
    server app ${upstream}
`;
}
