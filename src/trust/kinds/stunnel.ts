import { unsuitableKind } from './unsuitable.js';

export const stunnel = unsuitableKind({
  name: 'stunnel',
  wayRound:
    'give each certificate a service section of its own with "sni = outer:name", and let the API call the new name',
  caBundle: { folders: ['/etc/stunnel'], directive: /\bCAfile\s*=/i },
});
