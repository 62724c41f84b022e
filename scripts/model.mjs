// Checks the model of the online sweep (docs/model/sweep.pml) with Spin, variant by variant: the whole protocol must hold,
// each protocol with a part left out must lose a blob, and each thing the model is about must be reachable.
// Usage: node scripts/model.mjs [--trace] [--only TEXT]
import { execFileSync, spawnSync } from 'node:child_process'
import { accessSync, constants, copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

const MODEL = fileURLToPath(new URL('../docs/model/sweep.pml', import.meta.url))
const TOOLS = { spin: 'spin', gcc: 'gcc' }
/** Above this a search gives up, and giving up is a failure. */
const MEMORY_MIB = 1800
const VARIANT_MINUTES = 10

const caches = { CACHE_NONE: 'no cache', CACHE_REDIS: 'redis', CACHE_INMEMORY: 'in memory' }
const kinds = { layer: [], manifest: ['BLOB_IS_MANIFEST'] }

/** What has to be left out of the protocol, with which cache, for which kind of blob, to see what. */
const broken = [
  ['NO_REMARK', 'CACHE_NONE', ['layer', 'manifest'], 'lost'],
  ['NO_WAIT', 'CACHE_NONE', ['layer', 'manifest'], 'lost'],
  ['WAIT_FROM_JOURNAL', 'CACHE_NONE', ['layer', 'manifest'], 'lost'],
  ['PARTIAL_MARK', 'CACHE_NONE', ['layer', 'manifest'], 'overlooked'],
  ['NO_DEL', 'CACHE_REDIS', ['layer', 'manifest'], 'lost'],
  ['WAIT_FROM_RENAME', 'CACHE_REDIS', ['layer', 'manifest'], 'lost'],
  ['NO_GATE', 'CACHE_INMEMORY', ['layer', 'manifest'], 'lost'],
  ['GATE_AFTER_MARK', 'CACHE_INMEMORY', ['layer', 'manifest'], 'lost'],
  ['NO_DRAIN', 'CACHE_INMEMORY', ['layer', 'manifest'], 'lost'],
]

/**
 * What the model must be able to do, by its number for REACH. Of the manifest's own bytes only what differs is asked, and
 * nothing is refused for want of them.
 */
const reached = [
  [1, ['layer'], 'a push is accepted'],
  [2, ['layer', 'manifest'], 'a push is accepted, its blob is in quarantine'],
  [3, ['layer'], 'a push is refused, its blob is in quarantine'],
  [4, ['layer'], 'a blob is set aside'],
  [5, ['layer', 'manifest'], 'a blob is put back'],
  [6, ['layer'], 'a copy is dropped, a newer blob is in place'],
  [7, ['layer', 'manifest'], 'a blob is freed'],
  [8, ['layer'], 'a run resumes'],
  [9, ['layer'], 'a push is accepted after a blob was freed'],
]

const { values: options } = parseArgs({
  options: { trace: { type: 'boolean', default: false }, only: { type: 'string', default: '' } },
})
const variants = allVariants().filter(({ title }) => title.includes(options.only))
if (variants.length === 0) fail(`No variant has "${options.only}" in its title.`)
requireTools()

const started = Date.now()
const width = Math.max(...variants.map(({ title }) => title.length))
const wrong = variants.filter((variant) => !check(variant))
console.log(
  `${variants.length - wrong.length} of ${variants.length} variants do what is expected, ` +
    `${((Date.now() - started) / 1000).toFixed(0)} s`,
)
if (wrong.length > 0) process.exit(1)

function allVariants() {
  const each = (titles, kindNames, build) =>
    titles.flatMap((cache) => kindNames.map((kind) => build(cache, kind, [cache, ...kinds[kind]])))
  const named = (cache, kind, rest) => `${caches[cache]}, ${kind}${rest}`
  return [
    ...each(Object.keys(caches), Object.keys(kinds), (cache, kind, defines) => ({
      title: named(cache, kind, ': the protocol'),
      defines,
      expected: 'holds',
    })),
    ...broken.flatMap(([part, cache, kindNames, expected]) =>
      each([cache], kindNames, (_, kind, defines) => ({
        title: named(cache, kind, `: ${part}`),
        defines: [...defines, part],
        expected,
      })),
    ),
    ...reached.flatMap(([number, kindNames, what]) =>
      each(Object.keys(caches), kindNames, (cache, kind, defines) => ({
        title: named(cache, kind, `: ${what}`),
        defines: [...defines, `REACH=${number}`],
        expected: 'reached',
      })),
    ),
  ]
}

/** Searches one variant in a folder of its own and prints its line; true when it does what is expected. */
function check({ title, defines, expected }) {
  const folder = mkdtempSync(join(tmpdir(), 'winnow-model-'))
  try {
    copyFileSync(MODEL, join(folder, 'sweep.pml'))
    const flags = defines.map((define) => `-D${define}`)
    const { seen, states, depth, output } = search(folder, flags, expected)
    const isRight = seen === expected
    console.log(
      `${isRight ? 'ok   ' : 'WRONG'} ${title.padEnd(width)}  expected ${expected.padEnd(10)}  seen ${seen.padEnd(10)}` +
        `  states ${states.padStart(9)}  depth ${depth.padStart(3)}`,
    )
    if (!isRight) console.log(output.trimEnd())
    const wantsTrace = (options.trace && expected !== 'reached') || !isRight
    if (wantsTrace && existsSync(join(folder, 'sweep.pml.trail'))) printTrace(folder, flags)
    return isRight
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function search(folder, flags, expected) {
  run(folder, TOOLS.spin, [...flags, '-a', 'sweep.pml'])
  // Breadth first: it has no depth to run out of, and a counterexample is one of the shortest. What ends early is compiled
  // without optimisation, which takes longer than the search.
  const optimise = expected === 'reached' ? '-O0' : '-O2'
  run(folder, TOOLS.gcc, [
    '-w',
    optimise,
    '-DSAFETY',
    '-DBFS',
    `-DMEMLIM=${MEMORY_MIB}`,
    '-o',
    'pan',
    'pan.c',
  ])
  const { stdout, stderr, error } = spawnSync(join(folder, 'pan'), [], {
    cwd: folder,
    encoding: 'utf8',
    timeout: VARIANT_MINUTES * 60_000,
  })
  const output = `${stdout ?? ''}${stderr ?? ''}${error === undefined ? '' : String(error)}`
  const count = (pattern) => pattern.exec(output)?.[1] ?? '-'
  return {
    seen: verdict(output),
    states: count(/^ *(\d+) states, stored/m),
    depth: count(/depth reached (\d+)/),
    output,
  }
}

/** What pan says, in one word. Whatever is not plainly a finished search, or one of our assertions, is `unclear`. */
function verdict(output) {
  const errors = /^State-vector \d+ byte, depth reached \d+, errors: (\d+)$/m.exec(output)?.[1]
  const violated = /assertion violated (.*)$/m.exec(output)?.[1]
  if (errors === '1' && violated !== undefined) {
    if (/\b(\d+) ?!= ?\1\b/.test(violated)) return 'reached'
    if (violated.includes('needed[')) return 'overlooked'
    return violated.includes('rev[') ? 'lost' : 'unclear'
  }
  // "errors: 0" is worth nothing when the search was cut short, by depth or by memory.
  const isCut = /not completed|too small|out of memory|MEMLIM|resource|bit statespace|error:/i.test(output)
  return errors === '0' && /^Full statespace search for:/m.test(output) && !isCut ? 'holds' : 'unclear'
}

function printTrace(folder, flags) {
  const { stdout } = spawnSync(TOOLS.spin, [...flags, '-k', 'sweep.pml.trail', '-T', '-B', 'sweep.pml'], {
    cwd: folder,
    encoding: 'utf8',
  })
  const lines = stdout.split('\n').map((line) => line.trim())
  for (const line of lines)
    if (/^(?:repository|registry|collector)/.test(line)) console.log(`        ${line}`)
}

function run(folder, command, args) {
  try {
    execFileSync(command, args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' })
  } catch (error) {
    fail(`${command} ${args.join(' ')} failed:\n${error.stdout ?? ''}${error.stderr ?? ''}`)
  }
}

function requireTools() {
  const missing = Object.values(TOOLS).filter((tool) => !isOnPath(tool))
  if (missing.length === 0) return
  fail(
    `The model is checked with Spin and a C compiler; not on PATH: ${missing.join(', ')}. On Debian:\n\n` +
      `    apt-get install ${missing.join(' ')}\n`,
  )
}

function isOnPath(tool) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, tool), constants.X_OK)
      return true
    } catch {
      return false
    }
  })
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
