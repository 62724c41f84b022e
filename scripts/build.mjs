// Bundles the command line to dist/, or to the folder that is given: one small entry that answers `--version` by itself,
// and chunks that are loaded when a command needs them.
import { build } from 'esbuild'
import { chmod, readFile, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const { version } = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
const root = fileURLToPath(new URL('../', import.meta.url))
const outdir = resolve(root, process.argv[2] ?? 'dist')
await rm(outdir, { recursive: true, force: true })
await build({
  entryPoints: { 'cli/main': 'src/cli/main.ts' },
  outdir,
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  chunkNames: 'chunks/[name]-[hash]',
  define: { __WINNOW_VERSION__: JSON.stringify(version) },
  // The WebAssembly module is found beside its loader; node:sqlite only exists on newer Node. Clients of clouds and of Redis
  // are large, rarely used, and of a kind of module whose names are lost when it is bundled: Node loads them itself.
  external: ['node-sqlite3-wasm', '@aws-sdk/*', 'google-auth-library', '@azure/*', '@redis/client'],
  // What is loaded is kept in memory as text, too: without its spaces it takes 8 MiB less.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'linked',
  banner: {
    js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
})
// Threads start from a file of their own, with nothing in it but what they need, and of the older kind of module: Node starts
// a thread with one in half the time.
await build({
  entryPoints: { 'workers/scan': 'src/adapters/storage/filesystem/scan-worker.ts' },
  outdir,
  outExtension: { '.js': '.cjs' },
  absWorkingDir: root,
  bundle: true,
  format: 'cjs',
  platform: 'node',
  target: 'node20',
  minifyWhitespace: true,
  legalComments: 'linked',
  logLevel: 'warning',
})
await chmod(join(outdir, 'cli/main.js'), 0o755)
