import { expect, test } from '@jest/globals';
import { loadBalancerKind } from '../../src/control-plane/load-balancer.js';

test.each([
  ['orders-0123456789abcdef.elb.eu-central-1.amazonaws.com', 'network'],
  ['orders-0123456789abcdef.elb.eu-central-1.amazonaws.com:8443', 'network'],
  ['orders-0123456789abcdef.elb.cn-north-1.amazonaws.com.cn', 'network'],
  ['internal-orders-1234567890.eu-central-1.elb.amazonaws.com', 'applicationOrClassic'],
  ['Orders-1234567890.us-east-1.elb.amazonaws.com.', 'applicationOrClassic'],
  ['orders.example.com', undefined],
  ['elb.amazonaws.com.example.com', undefined],
  ['x.execute-api.eu-central-1.amazonaws.com', undefined],
])('%s: %s', (backend, kind) => {
  expect(loadBalancerKind(backend)).toBe(kind);
});
