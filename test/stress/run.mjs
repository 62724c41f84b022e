// The stress of sweeping, for as long as wanted:
//
//   npm run stress -- --minutes 10 --registry debian|v3 --cache none|redis|inmemory --seed 1
//
// Prints a table; ends with 1 when an image is broken at the end. `--collector naive` shows what it looks like then.
import { build } from 'esbuild'
import { readFile, rm } from 'node:fs/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'

const path = (name) => fileURLToPath(new URL(`../../${name}`, import.meta.url))
const outfile = path(`node_modules/.cache/stress-${process.pid}.mjs`)

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
  entryPoints: [path('test/stress/stress.ts')],
  outfile,
  bundle: true,
  packages: 'external',
  platform: 'node',
  format: 'esm',
  target: 'node20',
  plugins: [keepAddresses],
  logLevel: 'warning',
})
const { readArguments, stress, tableOf } = await import(pathToFileURL(outfile).href).finally(() =>
  rm(outfile, { force: true }),
)
const result = await stress(readArguments(process.argv.slice(2)))
console.log(tableOf([result]))
process.exitCode = result.broken.length === 0 ? 0 : 1
