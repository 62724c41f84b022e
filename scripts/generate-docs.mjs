// Writes what is made from the program: docs/reference/*.md and winnow.schema.json. `npm run docs` runs it; a test
// fails when a file has drifted from the source.
import { build } from 'esbuild'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
// Inside node_modules, so that packages left out of the bundle are found.
const cache = join(root, 'node_modules', '.cache')
await mkdir(cache, { recursive: true })
const folder = await mkdtemp(join(cache, 'docs-'))
try {
  await build({
    entryPoints: [join(root, 'src/cli/reference/pages.ts')],
    outfile: join(folder, 'pages.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  })
  const { generatedFiles } = await import(pathToFileURL(join(folder, 'pages.mjs')).href)
  for (const [path, text] of generatedFiles()) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), text)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
