import { checked, type RecipeFacts, type RecipeOptions } from './recipe.js';

export const apacheFacts: RecipeFacts = {
  reload:
    'apachectl configtest && apachectl graceful; requests in flight are finished, idle connections are closed',
  expired: 'refuses it in the TLS handshake',
  proved: 'Apache 2.4.71 with OpenSSL 3.0',
};

/** A virtual host; needs mod_ssl, mod_proxy and mod_proxy_http. */
export function apacheRecipe(options: RecipeOptions): string {
  const { listen, serverName, certificateFile, privateKeyFile, trustFile, upstream } = checked(options);
  return `# Accepts the client certificates of API Gateway that are in ${trustFile}, and nobody else.
# They all have one subject, so a CA bundle (SSLCACertificateFile) would accept only the first of them.
<VirtualHost ${listen}>
    ServerName ${serverName}
    SSLEngine on
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    SSLCertificateFile "${certificateFile}"
    SSLCertificateKeyFile "${privateKeyFile}"
    # Asks for a certificate, proves that the client has its key and that it is in date; the list decides the rest.
    SSLVerifyClient optional_no_ca
    ProxyPass "/" "http://${upstream}/"
    <Location "/">
        # Refuses everybody while the list is empty; whoever is in the list passes all the same.
        Require all denied
        Include "${trustFile}"
    </Location>
</VirtualHost>
`;
}
