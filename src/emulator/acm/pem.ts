const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/** The certificates of a text, each as PEM with LF line ends and one newline at its end. */
export const certificatesIn = (text: string): string[] =>
  [...text.matchAll(CERTIFICATE)].map(([block]) => `${block.replaceAll('\r', '')}\n`);
