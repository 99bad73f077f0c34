import type { PublicationSettings } from '../settings/publication.js';
import { commandPublication } from './kinds/command.js';
import { filePublication } from './kinds/file.js';
import { ssmPublication } from './kinds/ssm.js';
import type { Publication, PublicationPlace } from './publication.js';

/** The publication that an entry of the configuration describes. Nothing is read or run until it is used. */
export function openPublication(entry: PublicationSettings, place: PublicationPlace): Publication {
  switch (entry.kind) {
    case 'ssm':
      return ssmPublication(entry, place);
    case 'file':
      return filePublication(entry);
    case 'command':
      return commandPublication(entry, place);
  }
}
