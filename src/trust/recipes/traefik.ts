import { checked, type RecipeFacts, type RecipeOptions } from './recipe.js';

export const traefikFacts: RecipeFacts = {
  reload: 'nothing to do: the file provider watches its folder',
  expired: 'refuses it in the TLS handshake, as Go does',
  proved: 'unproven',
};

/** A file for the folder of Traefik's file provider, beside the one with the TLS options `apigw`. */
export function traefikRecipe(options: RecipeOptions): string {
  const { serverName, certificateFile, privateKeyFile, trustFile, upstream } = checked(options);
  return `# Accepts the client certificates of API Gateway that are in ${trustFile}, and nobody else.
# That file has to lie in the folder of the file provider as well: it makes the TLS options "apigw".
http:
  routers:
    apigw:
      rule: "Host(\`${serverName}\`)"
      service: app
      tls:
        options: apigw
  services:
    app:
      loadBalancer:
        servers:
          - url: "http://${upstream}"
tls:
  certificates:
    - certFile: "${certificateFile}"
      keyFile: "${privateKeyFile}"
`;
}
