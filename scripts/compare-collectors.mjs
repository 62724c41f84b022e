// Writes docs/collectors.md (or the file that is given): runs Winnow and the registry's own collectors on the same storage.
// Needs Debian's docker-registry and strace, and what `npm run test:servers` builds.
import { build } from 'esbuild'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { format } from 'prettier'

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))
const outfile = path(`node_modules/.cache/compare-collectors-${process.pid}.mjs`)
const { version } = JSON.parse(await readFile(path('package.json'), 'utf8'))

// The test servers find their versions beside their sources, so each file keeps its own address.
const keepAddresses = {
  name: 'keep-addresses',
  setup: (bundle) =>
    bundle.onLoad({ filter: /test\/.*\.ts$/ }, async (file) => ({
      contents: (await readFile(file.path, 'utf8'))
        .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(file.path).href))
        .replaceAll(
          'import.meta.dirname',
          JSON.stringify(fileURLToPath(new URL('.', pathToFileURL(file.path)))),
        ),
      loader: 'ts',
    })),
}

await build({
  entryPoints: [path('test/sweep/compare-collectors.ts')],
  outfile,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  plugins: [keepAddresses],
  logLevel: 'warning',
})
try {
  const { compareCollectors } = await import(pathToFileURL(outfile).href)
  const page = path(process.argv[2] ?? 'docs/collectors.md')
  await compareCollectors(page, version)
  await writeFile(page, await format(await readFile(page, 'utf8'), { parser: 'markdown' }))
} finally {
  await rm(outfile, { force: true })
}
