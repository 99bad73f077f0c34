import { checked, type RecipeFacts, type RecipeOptions } from './recipe.js';

export const nginxFacts: RecipeFacts = {
  reload: 'nginx -t && nginx -s reload; requests in flight are finished, idle connections are closed',
  expired: 'answers 400 (nginx lets OpenSSL check the dates)',
  proved: 'nginx 1.22.1 with OpenSSL 3.0',
};

/** A part of nginx's `http` block, for a file in `conf.d`. */
export function nginxRecipe(options: RecipeOptions): string {
  const { listen, serverName, certificateFile, privateKeyFile, trustFile, upstream } = checked(options);
  return `# Accepts the client certificates of API Gateway that are in ${trustFile}, and nobody else.
# They all have one subject, so a CA bundle (ssl_client_certificate) would accept only the first of them.
map_hash_bucket_size 4096; # a key of the map is a whole certificate
map $ssl_client_escaped_cert $apigw_cert {
    default "";
    include "${trustFile}";
}
server {
    listen ${listen} ssl;
    server_name ${serverName};
    ssl_certificate "${certificateFile}";
    ssl_certificate_key "${privateKeyFile}";
    ssl_protocols TLSv1.2 TLSv1.3;
    # A reload closes idle connections, and clients that do not repeat a POST can lose it. nginx 1.27.4 and newer:
    # keepalive_min_timeout 60s;
    # Asks for a certificate, proves that the client has its key and that it is in date; the map decides the rest.
    ssl_verify_client optional_no_ca;
    # At server level, so that no location is forgotten.
    if ($ssl_client_verify = NONE) { return 403; }
    if ($apigw_cert = "") { return 403; }
    location / {
        proxy_pass http://${upstream};
    }
}
`;
}
