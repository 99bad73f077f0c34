import { checked, type RecipeFacts, type RecipeOptions } from './recipe.js';

export const envoyFacts: RecipeFacts = {
  reload: 'nothing to do: Envoy takes a renamed file over',
  expired: 'not known: verify that Envoy refuses it before you rely on this',
  proved: 'unproven',
};

/** A listener and a cluster for `static_resources` of Envoy's v3 API. */
export function envoyRecipe(options: RecipeOptions): string {
  const { listen, serverName, certificateFile, privateKeyFile, trustFile, upstream } = checked(options);
  const split = (text: string): [string, string] => {
    const colon = text.lastIndexOf(':');
    return [text.slice(0, colon), text.slice(colon + 1)];
  };
  const [address, port] = split(listen);
  const [upstreamAddress, upstreamPort] = split(upstream);
  return `# Accepts the client certificates of API Gateway whose SHA-256 are in ${trustFile}, and nobody else.
static_resources:
  listeners:
    - address: { socket_address: { address: "${address}", port_value: ${port} } }
      filter_chains:
        - transport_socket:
            name: envoy.transport_sockets.tls
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
              require_client_certificate: true
              common_tls_context:
                tls_certificates:
                  - certificate_chain: { filename: "${certificateFile}" }
                    private_key: { filename: "${privateKeyFile}" }
                validation_context_sds_secret_config:
                  name: apigw
                  sds_config: { path_config_source: { path: "${trustFile}" }, resource_api_version: V3 }
          filters:
            - name: envoy.filters.network.http_connection_manager
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
                stat_prefix: apigw
                http_filters:
                  - name: envoy.filters.http.router
                    typed_config: { "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }
                route_config:
                  virtual_hosts:
                    - name: "${serverName}"
                      domains: ["*"]
                      routes: [{ match: { prefix: "/" }, route: { cluster: app } }]
  clusters:
    - name: app
      type: STRICT_DNS
      load_assignment:
        cluster_name: app
        endpoints:
          - lb_endpoints:
              - endpoint: { address: { socket_address: { address: "${upstreamAddress}", port_value: ${upstreamPort} } } }
`;
}
