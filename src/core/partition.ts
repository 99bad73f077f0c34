/** The partition that ARNs of the Region begin with (AWS General Reference, "Amazon Resource Names"). */
export function partitionOf(region: string): string {
  if (region.startsWith('cn-')) return 'aws-cn';
  return region.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
}
