// Runs benchmarks: bundles them and the command line into a cache folder, starts each, shows its results as a table and,
// with --json, as JSON lines for whoever compares runs.
//
//   npm run bench -- inventory|start-up|policy|state|sweep|git|drivers|all [arguments of the benchmark] [--json]
//
// A benchmark prints one JSON document last: {title, rows, budgets}. What it prints before that is shown as it is.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync } from 'node:fs'
import { cpus, loadavg, totalmem } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const names = ['start-up', 'policy', 'state', 'inventory', 'sweep', 'git', 'drivers']
const root = fileURLToPath(new URL('..', import.meta.url))
const out = join(root, 'node_modules', '.cache', 'winnow-bench')

const words = process.argv.slice(2).filter((word) => word !== '--json')
const isJson = words.length !== process.argv.length - 2
const asked = words[0] === 'all' ? names : words.filter((word) => names.includes(word))
const rest = words.filter((word) => word !== 'all' && !names.includes(word))
if (
  asked.length === 0 ||
  asked.length + rest.length + (words[0] === 'all' ? 1 : 0) > words.length + names.length
) {
  console.error(`Which benchmark? npm run bench -- ${names.join('|')}|all [--json]`)
  process.exit(2)
}

await bundle()
console.log(machine())
let isFailed = false
for (const name of asked) isFailed = !run(name) || isFailed
process.exit(isFailed ? 1 : 0)

/** The same bundler and settings as the released command, so that what is measured is what is shipped. */
async function bundle() {
  execFileSync(process.execPath, [join(root, 'scripts/build.mjs'), join(out, 'dist')], { stdio: 'inherit' })
  await build({
    entryPoints: ['policy', 'start-up', 'inventory', 'read-registry', 'sweep', 'git', 'drivers'].map((name) =>
      join(root, 'bench', `${name}.ts`),
    ),
    outdir: out,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    external: ['node-sqlite3-wasm', '@aws-sdk/*', '@octokit/*', '@azure/*', 'google-auth-library'],
    define: { __WINNOW_VERSION__: '"bench"' },
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module'; const require = __createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  })
  // The test servers look for their versions beside themselves.
  copyFileSync(join(root, 'test/servers/versions.env'), join(out, 'versions.env'))
}

function machine() {
  const [first] = cpus()
  const gib = Math.round(totalmem() / 2 ** 30)
  const load = loadavg()
    .map((value) => value.toFixed(1))
    .join(' ')
  return `${cpus().length} × ${first?.model.trim()}, ${gib} GiB, Node ${process.version}, load ${load}`
}

function run(name) {
  const script = name === 'state' ? join(root, 'bench/state.mjs') : join(out, `${name}.mjs`)
  const ended = spawnSync(process.execPath, [script, ...rest], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    maxBuffer: 2 ** 28,
  })
  const lines = ended.stdout.trimEnd().split('\n')
  const results = parsed(lines.at(-1))
  if (results === undefined) console.log(`\n${lines.join('\n')}`)
  else show(results, lines.slice(0, -1))
  return ended.status === 0
}

function parsed(line) {
  try {
    const results = JSON.parse(line)
    return Array.isArray(results.rows) ? results : undefined
  } catch {
    // A benchmark that prints text only.
    return undefined
  }
}

function show({ title, rows, budgets }, before) {
  if (before.length > 0) console.log(before.join('\n'))
  console.log(`\n${title}\n`)
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cells = [columns, ...rows.map((row) => columns.map((column) => `${row[column] ?? ''}`))]
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i].length)))
  const aligned = (line) =>
    line.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i])))
  for (const line of cells) console.log(`  ${aligned(line).join('   ')}`)
  console.log('')
  for (const { name, value, budget, met } of budgets) {
    console.log(`  ${met ? 'within' : 'OVER  '}  ${name}: ${value} (budget ${budget})`)
  }
  if (isJson) console.log(`\n${JSON.stringify({ title, rows, budgets })}`)
}
