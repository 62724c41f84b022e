// Measures the state on every engine this Node has: lookups and puts of cached facts, journal transactions, opening.
//
//   node bench/state.mjs [COUNT]        (100000 facts unless told)
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const count = Number(process.argv[2] ?? 100_000)
const root = fileURLToPath(new URL('..', import.meta.url))
const outfile = join(root, 'node_modules', '.cache', 'winnow-bench', 'state.mjs')
await build({
  entryPoints: [join(root, 'src/adapters/journal/open-state.ts')],
  outfile,
  bundle: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  external: ['node-sqlite3-wasm'],
  logLevel: 'warning',
})
const { openState } = await import(pathToFileURL(outfile).href)

const digest = (n) => `sha256:${n.toString(16).padStart(8, '0').repeat(8)}`
const facts = Array.from({ length: count }, (_, n) => ({
  digest: digest(n),
  mediaType: 'application/vnd.oci.image.manifest.v1+json',
  sizeBytes: 1_234,
  children: [],
  subject: undefined,
  artifactType: undefined,
  config: { digest: digest(n + count), sizeBytes: 2_345 },
  configMediaType: 'application/vnd.oci.image.config.v1+json',
  layers: Array.from({ length: 8 }, (_, k) => ({ digest: digest(n + k), sizeBytes: 12_345_678 })),
  annotations: {},
  createdAt: undefined,
}))

async function timed(work) {
  const started = performance.now()
  const result = await work()
  return [performance.now() - started, result]
}

const engines = process.getBuiltinModule('node:sqlite') === undefined ? ['wasm'] : ['node', 'wasm']
console.log(`Node ${process.version}, ${count} manifests of 8 layers each`)
for (const engine of engines) {
  const directory = mkdtempSync(join(tmpdir(), 'winnow-bench-'))
  const [openMs, state] = await timed(() => openState(directory, { engine }))
  const [putMs] = await timed(() => state.cache.putManifests(facts))
  const all = facts.map((one) => one.digest)
  const [getMs, found] = await timed(() => state.cache.manifests(all))
  const [missMs] = await timed(() =>
    state.cache.manifests(all.map((one) => one.replace(/^sha256:0/, 'sha256:f'))),
  )
  const id = 'r-20261123-184512-7f2a'
  await state.journal.beginRun({
    id,
    kind: 'apply',
    startedAt: 0,
    registries: ['prod'],
    plan: '{}',
    undoOf: undefined,
  })
  const [journalMs] = await timed(async () => {
    for (let sequence = 0; sequence < 200; sequence += 1) {
      const act = {
        kind: 'delete',
        registry: 'prod',
        repository: 'team/app',
        digest: digest(sequence),
        tags: [],
      }
      await state.journal.recordIntents(id, [{ sequence, act, fence: 1, root: digest(sequence) }])
    }
  })
  await state.close()
  const bytes = statSync(join(directory, 'cache.db')).size
  rmSync(directory, { recursive: true, force: true })
  const line = {
    'open, new (ms)': openMs,
    'puts (ms)': putMs,
    'lookups (ms)': getMs,
    'lookups, missing (ms)': missMs,
    'one durable journal record (ms)': journalMs / 200,
    'bytes a manifest on disk': bytes / found.size,
  }
  console.log(`\n${engine}: ${found.size} found`)
  for (const [name, value] of Object.entries(line)) console.log(`  ${name.padEnd(34)} ${value.toFixed(1)}`)
}
