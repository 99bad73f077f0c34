import { unsuitableKind } from './unsuitable.js';

export const lighttpd = unsuitableKind({
  name: 'lighttpd',
  wayRound:
    'give each certificate a host name of its own with its own ssl.verifyclient.ca-file, and let the API call the new name',
  caBundle: {
    folders: ['/etc/lighttpd'],
    directive: /\bssl\.(?:verifyclient\.)?ca-file\s*=/,
  },
});
