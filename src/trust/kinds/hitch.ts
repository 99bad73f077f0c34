import { unsuitableKind } from './unsuitable.js';

export const hitch = unsuitableKind({
  name: 'hitch',
  wayRound: 'give each certificate a frontend of its own on another port, and let the API call the new port',
  caBundle: { folders: ['/etc/hitch'], directive: /\bclient-verify-ca\s*=/ },
});
