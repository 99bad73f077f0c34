import { checked, type RecipeFacts, type RecipeOptions } from './recipe.js';

export const caddyFacts: RecipeFacts = {
  reload: 'caddy validate && caddy reload; requests in flight are finished, idle connections are closed',
  expired: 'refuses it in the TLS handshake',
  proved: 'Caddy 2.6.2 with Go 1.19',
};

/** A site for a Caddyfile. */
export function caddyRecipe(options: RecipeOptions): string {
  const { listen, serverName, certificateFile, privateKeyFile, trustFile, upstream } = checked(options);
  const [address, port] = [
    listen.slice(0, listen.lastIndexOf(':')),
    listen.slice(listen.lastIndexOf(':') + 1),
  ];
  return `# Accepts the client certificates of API Gateway that are in ${trustFile}, and nobody else.
https://${serverName}:${port} {
	bind ${address}
	tls ${certificateFile} ${privateKeyFile} {
		client_auth {
			# Each certificate on a line of its own: of a file with several, Caddy 2.6 loads the first alone.
			mode require_and_verify
			import ${trustFile}
		}
	}
	reverse_proxy ${upstream}
}
`;
}
