export type * from '../core/certificate.js';
