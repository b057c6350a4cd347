// `node build.mjs` writes the bundles and their types into dist, `node build.mjs test` the tests into build as well.
// Each file of dist is replaced at once: a server or a test that reads it meanwhile gets the old one or the new one.
import { build, transform } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

const PARTIAL = 'build/dist';
const ENTRIES = ['index', 'core', 'attribution', 'otel'];
/** Types that those of an entry lead to. */
const TYPES = [...ENTRIES, 'testing', 'options', 'version', 'otlp_json', 'core/fitting'].map((name) => `${name}.d.ts`);
const SHARED = {
  bundle: true,
  minify: true,
  target: 'es2021',
  mangleProps: /^_/,
  legalComments: 'none',
  logLevel: 'warning',
};

async function bundle() {
  rmSync(PARTIAL, { recursive: true, force: true });
  const entryPoints = ENTRIES.map((name) => `src/${name}.ts`);
  await build({ ...SHARED, entryPoints, outdir: PARTIAL, format: 'esm' });
  await build({ ...SHARED, entryPoints: ['src/script.ts'], outfile: `${PARTIAL}/seamark.iife.js`, format: 'iife' });
  await build({ ...SHARED, entryPoints: ['src/testing.ts'], outdir: PARTIAL, format: 'esm', platform: 'node' });
  const snippet = await transform(readFileSync('src/snippet.js', 'utf8'), { minify: true, target: 'es2017' });
  writeFileSync(`${PARTIAL}/snippet.html`, `<script>${snippet.code.trim()}</script>\n`);
  execFileSync('tsc', ['-p', 'tsconfig.types.json', '--outDir', PARTIAL], { stdio: 'inherit' });
}

function publish() {
  const files = readdirSync(PARTIAL, { recursive: true }).filter((name) => /\.(js|html)$/.test(name));
  const wanted = new Set([...files, ...TYPES]);
  for (const name of wanted) {
    mkdirSync(dirname(`dist/${name}`), { recursive: true });
    renameSync(`${PARTIAL}/${name}`, `dist/${name}`);
  }
  for (const entry of readdirSync('dist', { recursive: true, withFileTypes: true })) {
    const path = `${entry.parentPath ?? entry.path}/${entry.name}`;
    if (entry.isFile() && !wanted.has(path.replace('dist/', ''))) rmSync(path);
  }
}

await bundle();
publish();
if (process.argv[2] === 'test') {
  const tests = readdirSync('test').filter((name) => name.endsWith('.test.ts'));
  await build({
    entryPoints: tests.map((name) => `test/${name}`),
    bundle: true,
    platform: 'node',
    format: 'esm',
    outdir: 'build',
    outExtension: { '.js': '.mjs' },
    logLevel: 'warning',
  });
}
