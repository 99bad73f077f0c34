// Writes build/apigw-cert.cdx.json: what is bundled into dist/, as CycloneDX. `npm sbom` lists all that is installed,
// linters included, and calls all of it development; the build knows which packages are in the result.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { buildFolder, root } from './pack.mjs';

/** @returns the file, and how many components it names */
export function writeSbom() {
  const all = JSON.parse(
    execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx'], {
      cwd: root,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  const bundled = new Set(JSON.parse(readFileSync(join(buildFolder, 'bundled.json'), 'utf8')));
  const { name } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const isBundled = (component) =>
    bundled.has(`${component.group ? `${component.group}/` : ''}${component.name}@${component.version}`);
  const components = all.components.filter(isBundled).map(({ properties: _, ...component }) => component);
  const refs = new Set(components.map((component) => component['bom-ref']));
  const own = all.metadata.component['bom-ref'];
  const sbom = {
    ...all,
    metadata: { ...all.metadata, component: { ...all.metadata.component, name } },
    components,
    dependencies: [
      { ref: own, dependsOn: [...refs] },
      ...all.dependencies
        .filter(({ ref }) => refs.has(ref))
        .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((each) => refs.has(each)) })),
    ],
  };
  const missing = [...bundled].filter((each) => !refs.has(each));
  if (missing.length > 0) throw new Error(`npm sbom does not know ${missing.join(', ')}`);
  const file = join(buildFolder, `${name}.cdx.json`);
  writeFileSync(file, `${JSON.stringify(sbom, null, 2)}\n`);
  return { file, components: components.length };
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const { file, components } = writeSbom();
  console.log(`${file}: ${components} components`);
}
