// Records docs/transcript.md: plays the story of the end-to-end test on real servers and writes down what was seen.
// Needs what `npm run test:servers` builds, and Debian's docker-registry.
import { build } from 'esbuild'
import { readFile, rm } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url))
const outfile = path(`node_modules/.cache/record-transcript-${process.pid}.mjs`)

// The test servers find their charts and versions beside their sources, so each file keeps its own address.
const keepAddresses = {
  name: 'keep-addresses',
  setup: (bundle) =>
    bundle.onLoad({ filter: /test\/.*\.ts$/ }, async (file) => ({
      contents: (await readFile(file.path, 'utf8')).replaceAll(
        'import.meta.url',
        JSON.stringify(pathToFileURL(file.path).href),
      ),
      loader: 'ts',
    })),
}

await build({
  entryPoints: [path('test/e2e/record-transcript.ts')],
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
  const { recordTranscript } = await import(pathToFileURL(outfile).href)
  await recordTranscript(path(process.argv[2] ?? 'docs/transcript.md'))
} finally {
  await rm(outfile, { force: true })
}
