/** The parts of a tree and their versions: SPDX 2.3, https://spdx.github.io/spdx-spec/v2.3/ */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { DATE, LICENSE, LOCK, NAME, readJson, VERSION } from './project.mjs';

/** `name` is that of the archive; `parts` are those of the tree. */
export function bom(name, parts, content) {
  const packages = [
    part('my_init', VERSION, LICENSE, `pkg:generic/my_init@${VERSION}`),
    ...bundled(),
    ...(parts.node ? [nodePart(parts.node)] : []),
    ...debianParts(parts.libraries),
    ...(parts.musl ? [part('musl', parts.musl, 'MIT', `pkg:deb/debian/musl@${encodeURIComponent(parts.musl)}`)] : []),
  ];
  const related = packages.slice(1).map(({ SPDXID }) => relation(packages[0].SPDXID, 'CONTAINS', SPDXID));
  return `${JSON.stringify(
    {
      spdxVersion: 'SPDX-2.3',
      dataLicense: 'CC0-1.0',
      SPDXID: 'SPDXRef-DOCUMENT',
      name,
      documentNamespace: `https://spdx.org/spdxdocs/${name}-${createHash('sha256').update(content).digest('hex')}`,
      creationInfo: { created: DATE, creators: [`Tool: ${NAME}-package-${VERSION}`] },
      packages,
      relationships: [relation('SPDXRef-DOCUMENT', 'DESCRIBES', packages[0].SPDXID), ...related],
    },
    undefined,
    2,
  )}\n`;
}

function part(name, version, license, purl) {
  return {
    name,
    SPDXID: `SPDXRef-${`${name}-${version}`.replace(/[^A-Za-z0-9.]+/g, '-')}`,
    versionInfo: version,
    downloadLocation: 'NOASSERTION',
    filesAnalyzed: false,
    licenseConcluded: 'NOASSERTION',
    licenseDeclared: license,
    copyrightText: 'NOASSERTION',
    externalRefs: [{ referenceCategory: 'PACKAGE-MANAGER', referenceType: 'purl', referenceLocator: purl }],
  };
}

const relation = (spdxElementId, relationshipType, relatedSpdxElement) => ({
  spdxElementId,
  relationshipType,
  relatedSpdxElement,
});

const nodePart = ({ name, version }) => ({
  ...part('node', version, 'MIT', `pkg:npm/${name}@${version}`),
  comment: 'Contains V8, OpenSSL, ICU, libuv, zlib and others: licenses/node; versions: node -p process.versions',
});

/**
 * The packages of npm that are bundled into the controller and svctl: all but the development
 * dependencies.
 */
function bundled() {
  const wanted = new Set();
  const want = (name) => {
    const entry = LOCK[`node_modules/${name}`];
    if (entry === undefined || wanted.has(name)) return;
    wanted.add(name);
    for (const next of Object.keys(entry.dependencies ?? {})) want(next);
  };
  for (const name of Object.keys(readJson('package.json').dependencies)) want(name);
  return [...wanted].sort().map((name) => {
    const { version, license } = LOCK[`node_modules/${name}`];
    return part(name, version, license ?? 'NOASSERTION', `pkg:npm/${name.replace('@', '%40')}@${version}`);
  });
}

/** The Debian packages that the libraries belong to. */
function debianParts(paths) {
  // Where /lib is a link to /usr/lib, a package may know the file by either name.
  const candidates = paths.flatMap((path) => [path, path.replace(/^\/usr/, '')]);
  return candidates.length === 0 ? [] : [...new Set(ownersOf(candidates))].sort().map(debianPart);
}

/** dpkg reads its lists once for all files. Files that belong to no package are an error to it. */
function ownersOf(paths) {
  const { stdout, error } = spawnSync('dpkg', ['-S', ...paths], { encoding: 'utf8' });
  if (error !== undefined) throw error;
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => line.slice(0, line.lastIndexOf(': ')));
}

function debianPart(name) {
  const format = ['-W', '-f', `\${Version} \${Architecture} \${source:Package}`, name];
  const [version, architecture, source] = execFileSync('dpkg-query', format, { encoding: 'utf8' }).split(' ');
  const plain = name.replace(/:.*/, '');
  return {
    ...part(
      plain,
      version,
      'NOASSERTION',
      `pkg:deb/debian/${plain}@${encodeURIComponent(version)}?arch=${architecture}`,
    ),
    sourceInfo: `built from the Debian source package ${source}`,
  };
}
