/**
 * @peculiar/x509, wired once: its dependency injection needs reflect-metadata to be loaded before it. Only
 * `mint.ts` and `anatomy.ts` import this module, since it costs 60 ms.
 */
import 'reflect-metadata';

export * from '@peculiar/x509';
