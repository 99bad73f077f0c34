/** Load balancers of AWS, by the DNS names that Elastic Load Balancing gives them. */
export type LoadBalancerKind = 'network' | 'applicationOrClassic';

/** `name-0123456789abcdef.elb.eu-central-1.amazonaws.com`: a Network Load Balancer. */
const NETWORK = /\.elb\.[a-z0-9-]+\.amazonaws\.com(?:\.cn)?$/;
/** `name-1234567890.eu-central-1.elb.amazonaws.com`: an Application or Classic Load Balancer. */
const APPLICATION_OR_CLASSIC = /\.[a-z0-9-]+\.elb\.amazonaws\.com(?:\.cn)?$/;

/**
 * Which load balancer a host is; nothing for a name of one's own, behind which there may be one all the same.
 * @param backend `host[:port]`
 */
export function loadBalancerKind(backend: string): LoadBalancerKind | undefined {
  const host = backend.toLowerCase().replace(/:\d+$/, '').replace(/\.$/, '');
  if (NETWORK.test(host)) return 'network';
  return APPLICATION_OR_CLASSIC.test(host) ? 'applicationOrClassic' : undefined;
}
