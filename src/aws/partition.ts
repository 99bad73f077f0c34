interface Partition {
  name: string;
  /** Where its Regions' names begin so. */
  prefix: string;
  /** Where services that answer for the whole partition are, such as Account Management. */
  homeRegion: string;
}

/** AWS General Reference, "Amazon Resource Names"; the names and Regions of the SDK's own partitions file. */
const PARTITIONS: readonly Partition[] = [
  { name: 'aws-cn', prefix: 'cn-', homeRegion: 'cn-northwest-1' },
  { name: 'aws-us-gov', prefix: 'us-gov-', homeRegion: 'us-gov-west-1' },
  { name: 'aws-iso', prefix: 'us-iso-', homeRegion: 'us-iso-east-1' },
  { name: 'aws-iso-b', prefix: 'us-isob-', homeRegion: 'us-isob-east-1' },
  { name: 'aws-iso-e', prefix: 'eu-isoe-', homeRegion: 'eu-isoe-west-1' },
  { name: 'aws-iso-f', prefix: 'us-isof-', homeRegion: 'us-isof-south-1' },
  { name: 'aws-eusc', prefix: 'eusc-', homeRegion: 'eusc-de-east-1' },
];

/** All Regions that are in none of the others. */
const COMMERCIAL: Partition = { name: 'aws', prefix: '', homeRegion: 'us-east-1' };

/** The partition that ARNs of the Region begin with. */
export function partitionOf(region: string): string {
  return (PARTITIONS.find(({ prefix }) => region.startsWith(prefix)) ?? COMMERCIAL).name;
}

/** A Region of the partition that answers for all of it; of the commercial one where the name is unknown. */
export function homeRegionOf(partition: string): string {
  return (PARTITIONS.find(({ name }) => name === partition) ?? COMMERCIAL).homeRegion;
}
