/** An option as it is typed, by its name in commander: `--dry-run` for `dryRun`. */
export const optionName = (name: string): string =>
  `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
