// @ts-check
// Copies files of npm's packages to where the pages serve them from, and writes their checksums to vendored.json.
// With --check it only compares, and fails if anything differs. Needs `npm ci` before.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));
const TARGET = join(HERE, '..', 'slicer_package_manager', 'pages', 'static', 'vendor');
const LIST = join(HERE, 'vendored.json');
/** @type {Record<string, Record<string, string>>} */
const FILES = {
  uplot: { 'dist/uPlot.iife.min.js': 'uPlot.js', 'dist/uPlot.min.css': 'uPlot.css', LICENSE: 'uPlot.LICENSE.txt' },
};

/** @type {Record<string, {version: string, sha256: Record<string, string>}>} */
const list = {};
/** @type {string[]} */
const problems = [];
for (const [name, files] of Object.entries(FILES)) {
  const home = join(HERE, 'node_modules', name);
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'));
  list[name] = { version, sha256: {} };
  for (const [from, to] of Object.entries(files)) {
    const content = readFileSync(join(home, from));
    list[name].sha256[to] = createHash('sha256').update(content).digest('hex');
    if (!process.argv.includes('--check')) {
      mkdirSync(TARGET, { recursive: true });
      writeFileSync(join(TARGET, to), content);
    } else if (!content.equals(readFileSync(join(TARGET, to)))) {
      problems.push(`${to} is not the one of ${name} ${version}`);
    }
  }
}
const text = `${JSON.stringify(list, null, 2)}\n`;
if (!process.argv.includes('--check')) writeFileSync(LIST, text);
else if (readFileSync(LIST, 'utf8') !== text) problems.push('vendored.json is not up to date');
if (problems.length) {
  console.error(`${problems.join('\n')}\nRun "npm ci && npm run vendor" in web/.`);
  process.exit(1);
}
