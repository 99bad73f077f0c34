/** The files of `templates/`, loaded together and only by what prints one. */
export { default as apache } from './templates/apache.conf?text' with { type: 'text' };
export { default as apacheAuthority } from './templates/apache-ca.conf?text' with { type: 'text' };
export { default as caddy } from './templates/Caddyfile?text' with { type: 'text' };
export { default as caddyAuthority } from './templates/Caddyfile-ca?text' with { type: 'text' };
export { default as envoy } from './templates/envoy.yaml?text' with { type: 'text' };
export { default as express } from './templates/express.mjs?text' with { type: 'text' };
export { default as go } from './templates/server.go?text' with { type: 'text' };
export { default as haproxy } from './templates/haproxy.cfg?text' with { type: 'text' };
export { default as haproxyAuthority } from './templates/haproxy-ca.cfg?text' with { type: 'text' };
export { default as java } from './templates/Backend.java?text' with { type: 'text' };
export { default as nginx } from './templates/nginx.conf?text' with { type: 'text' };
export { default as nginxAuthority } from './templates/nginx-ca.conf?text' with { type: 'text' };
export { default as node } from './templates/server.mjs?text' with { type: 'text' };
export { default as python } from './templates/server.py?text' with { type: 'text' };
export { default as traefik } from './templates/traefik.yaml?text' with { type: 'text' };
