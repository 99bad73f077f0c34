import { checkPrimeSync, createPrivateKey, randomBytes, X509Certificate } from 'node:crypto';

/** A certificate in PEM and the key that it has. */
export interface Forged {
  pem: string;
  privateKeyPem: string;
}

const SMALL = Array.from({ length: 10_000 }, (_, at) => BigInt(2 * at + 3)).filter((p) => checkPrimeSync(p));

const base64url = (value: bigint): string => {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url');
};

/** The inverse of `value`, which is relatively prime to `modulus`. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [((value % modulus) + modulus) % modulus, modulus, 1n, 0n];
  while (b > 0n) {
    const quotient = a / b;
    [a, b, x, y] = [b, a - quotient * b, y, x - quotient * y];
  }
  return ((x % modulus) + modulus) % modulus;
}

/**
 * A certificate that differs from a self-signed one in the case of its base64 alone, with a key for it: letters of the modulus
 * change their case until it is easily factored. Its signature is void, which is no matter for one that is self-signed.
 */
export function forgedByCase(pem: string): Forged {
  const certificate = new X509Certificate(pem);
  const { n = '' } = certificate.publicKey.export({ format: 'jwk' });
  const modulus = Buffer.from(n, 'base64url');
  const at = certificate.raw.indexOf(modulus);
  const base64 = certificate.raw.toString('base64');
  // Whole characters of the modulus, without its first octets, which keep its size.
  const [from, to] = [Math.ceil(((at + 3) * 4) / 3), Math.floor(((at + modulus.length - 3) * 4) / 3)];
  for (;;) {
    const coins = randomBytes(base64.length);
    const text = Array.from(base64)
      .map((letter, index) => {
        if (index < from || index >= to || (coins[index] ?? 0) < 128) return letter;
        return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
      })
      .join('');
    const der = Buffer.from(text, 'base64');
    const product = BigInt(`0x${der.subarray(at, at + modulus.length).toString('hex')}`);
    const q = SMALL.find((small) => product % small === 0n);
    const p = q && product / q;
    if (q === undefined || p === undefined || !checkPrimeSync(p)) continue;
    const e = 65_537n;
    const d = inverse(e, (p - 1n) * (q - 1n));
    const [dp, dq, qi] = [d % (p - 1n), d % (q - 1n), inverse(q, p)];
    const parts = { n: product, e, d, p, q, dp, dq, qi };
    const key = createPrivateKey({
      format: 'jwk',
      key: {
        kty: 'RSA',
        ...Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, base64url(value)])),
      },
    });
    const lines = text.match(/.{1,64}/g)?.join('\n') ?? '';
    return {
      pem: `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`,
      privateKeyPem: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    };
  }
}
