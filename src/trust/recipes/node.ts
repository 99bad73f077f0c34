import { checked, type RecipeFacts, type RecipeOptions } from './recipe.js';

const facts: RecipeFacts = {
  reload: 'nothing to do: the program follows the file; no request is dropped',
  expired: 'answers 403',
  proved: 'Node.js 20, 22 and 24 with OpenSSL 3.0 and 3.5',
};

export const nodeFacts = facts;
export const expressFacts = facts;

const listenOf = (listen: string): { host: string; port: string } => {
  const colon = listen.lastIndexOf(':');
  return { host: listen.slice(0, colon).replace(/^\[|\]$/g, ''), port: listen.slice(colon + 1) };
};

/** An https server of Node's own, as an ES module; needs the package apigw-cert. */
export function nodeRecipe(options: RecipeOptions): string {
  const { listen, certificateFile, privateKeyFile, trustFile } = checked(options);
  const { host, port } = listenOf(listen);
  return `// Accepts the client certificates of API Gateway that are in ${trustFile}, and nobody else.
// They all have one subject, so the option "ca" of https.createServer would accept only the first of them.
import { readFileSync } from 'node:fs';
import { trustClientCertificates } from 'apigw-cert/node';

const trust = trustClientCertificates('${trustFile}', { onError: (error) => console.error(error.message) });
const server = trust.createServer(
  { cert: readFileSync('${certificateFile}'), key: readFileSync('${privateKeyFile}') },
  (request, response) => {
    // Only API Gateway comes here.
    response.end('ok\\n');
  },
);
server.listen(${port}, '${host}');
`;
}

/** An express application behind the same server, as an ES module; needs the packages apigw-cert and express. */
export function expressRecipe(options: RecipeOptions): string {
  const { listen, certificateFile, privateKeyFile, trustFile } = checked(options);
  const { host, port } = listenOf(listen);
  return `// Accepts the client certificates of API Gateway that are in ${trustFile}, and nobody else.
// They all have one subject, so the option "ca" of https.createServer would accept only the first of them.
import { readFileSync } from 'node:fs';
import express from 'express';
import { trustClientCertificates } from 'apigw-cert/node';

const app = express();
app.use((request, response) => {
  // Only API Gateway comes here.
  response.send('ok\\n');
});

const trust = trustClientCertificates('${trustFile}', { onError: (error) => console.error(error.message) });
const server = trust.createServer(
  { cert: readFileSync('${certificateFile}'), key: readFileSync('${privateKeyFile}') },
  app,
);
server.listen(${port}, '${host}');
`;
}
