/**
 * Pushers, a deleter and a sweep that is killed now and then, all at one real registry. At the end every manifest that the
 * registry accepted, and was not told to delete, must come whole out of a registry that starts anew.
 *
 * On loopback a manifest is put within milliseconds, so a second between setting aside and the second mark is as honest here
 * as ten minutes are elsewhere.
 */
import {
  startDockerRegistry,
  type DistributionLine,
  type DockerRegistry,
} from '../servers/docker-registry.ts'
import { pullWhole } from '../servers/pull-whole.ts'
import { startRedis, type Redis } from '../servers/redis.ts'
import { Random } from '../oracle/random.ts'
import { makeSweeper, removeProgram, type Sweeper } from '../sweep/sweeper.ts'
import { keyOf, makeLedger, type Ledger } from './ledger.ts'
import { deleteOnce, pushOnce, type Client, type Pushes } from './pushers.ts'
import { collectNaively, sweepFlags, sweepOnce, type Sweeps } from './sweeping.ts'

export interface StressOptions {
  readonly minutes: number
  readonly registry: DistributionLine
  readonly cache: 'none' | 'redis' | 'inmemory'
  readonly seed: number
  /** `naive` looks once and removes. @default 'winnow' */
  readonly collector?: 'winnow' | 'naive' | 'none'
}

export interface StressResult {
  readonly options: StressOptions
  readonly pushes: Pushes
  readonly sweeps: Sweeps
  /** Of `sweeps.freed`, what was freed before the registry was started again in the middle. */
  readonly freedBeforeRestart: number
  readonly owed: number
  readonly broken: readonly string[]
}

const PUSHERS = 6
/** Every third sweep; what a killed one leaves delays the next. */
const KILL_SHARE = 0.3

export async function stress(options: StressOptions): Promise<StressResult> {
  const sweeper = await makeSweeper()
  const redis = options.cache === 'redis' ? await startRedis() : undefined
  try {
    return await play(options, sweeper, redis)
  } finally {
    await redis?.stop()
    await sweeper.remove()
    await removeProgram()
  }
}

async function play(
  options: StressOptions,
  sweeper: Sweeper,
  redis: Redis | undefined,
): Promise<StressResult> {
  const open = (port?: number): Promise<DockerRegistry> =>
    startDockerRegistry({
      binary: options.registry,
      storageDir: sweeper.root,
      cache:
        redis === undefined ? (options.cache === 'inmemory' ? 'inmemory' : 'none') : { redis: redis.host },
      ...(port !== undefined && { port }),
    })
  let server = await open()
  sweeper.configure({ cache: redis?.url ?? options.cache }, { url: server.url })
  const ledger = makeLedger()
  const pushes = noPushes()
  const sweeps = noSweeps()
  const half = options.minutes * 30_000
  const round = (number: number): Promise<void> =>
    runFor(
      half,
      options,
      sweeper,
      { url: () => server.url, ledger, pushes },
      sweeps,
      options.seed + number * 1000,
    )
  try {
    await round(1)
    const freedBeforeRestart = sweeps.freed
    // A cache in memory forgets then, and only then may bytes be freed.
    await server.stop()
    server = await open(server.port)
    await round(2)
    if (options.collector !== 'naive' && options.collector !== 'none') await lastSweep(sweeper, sweeps)
    await server.stop()
    return { options, pushes, sweeps, freedBeforeRestart, ...(await verify(ledger, sweeper.root, options)) }
  } finally {
    await server.stop()
  }
}

async function runFor(
  durationMs: number,
  options: StressOptions,
  sweeper: Sweeper,
  client: Omit<Client, 'random'>,
  sweeps: Sweeps,
  seed: number,
): Promise<void> {
  const end = performance.now() + durationMs
  const repeat = async (act: () => Promise<void>): Promise<void> => {
    while (performance.now() < end) await act()
  }
  const clientOf = (number: number): Client => ({ ...client, random: new Random(seed + number) })
  const pushers = Array.from({ length: PUSHERS }, (_, each) => clientOf(each))
  const deleter = clientOf(PUSHERS)
  const random = new Random(seed + PUSHERS + 1)
  const collect = {
    winnow: () => sweepOnce(sweeper, sweeps, random, KILL_SHARE),
    naive: () => collectNaively(sweeper, sweeps),
    none: () => new Promise<void>((resolve) => setTimeout(resolve, 100)),
  }[options.collector ?? 'winnow']
  await Promise.all([
    ...pushers.map((one) => repeat(() => pushOnce(one))),
    repeat(() => deleteOnce(deleter)),
    repeat(collect),
  ])
}

/** After the last push: what a push needed at the last moment comes back, with nobody killed; a dead one's lease is waited for. */
async function lastSweep(sweeper: Sweeper, sweeps: Sweeps): Promise<void> {
  const random = new Random(1)
  const before = sweeps.runs
  for (let each = 0; each < 60; each++) {
    const [waited, failed] = [sweeps.waited, sweeps.failures.length]
    await sweepOnce(sweeper, sweeps, random, 0)
    if (sweeps.waited === waited && sweeps.failures.length === failed) return
  }
  throw new Error(
    `After ${sweeps.runs - before} attempts no sweep (${sweepFlags.join(' ')}) came to its end.`,
  )
}

async function verify(
  ledger: Ledger,
  root: string,
  { registry }: StressOptions,
): Promise<Pick<StressResult, 'owed' | 'broken'>> {
  // Without a cache: what it gives out is what lies there.
  const fresh = await startDockerRegistry({ binary: registry, storageDir: root, readOnly: true })
  const owed = ledger.owed()
  const broken: string[] = []
  try {
    for (const pushed of owed) {
      await pullWhole(fresh.url, pushed.repository, pushed.digest).catch((error: unknown) => {
        broken.push(`${keyOf(pushed)}: ${String(error)}`)
      })
    }
  } finally {
    await fresh.stop()
  }
  return { owed: owed.length, broken }
}

function noPushes(): Pushes {
  const none = { attempts: 0, failedOnce: 0, failedTwice: 0, skipped: 0, mounted: 0, uploaded: 0, deleted: 0 }
  return { ...none, reasons: [] }
}

function noSweeps(): Sweeps {
  return { runs: 0, kills: 0, waited: 0, setAside: 0, restored: 0, freed: 0, warnings: [], failures: [] }
}

/** A line as in the table of the notes; the first line names the columns. */
export function tableOf(results: readonly StressResult[]): string {
  const columns =
    'set-up | pushes | failed once | failed twice | set aside | restored | freed | sweeps | kills | broken'
  const lines = results.map(({ options, pushes, sweeps, broken, owed }) => {
    const share = (count: number): string =>
      `${count} (${((100 * count) / Math.max(1, pushes.attempts)).toFixed(1)} %)`
    return [
      `${options.registry}, cache ${options.cache}, ${options.collector ?? 'winnow'}, ${options.minutes} min, seed ${options.seed}`,
      pushes.attempts,
      share(pushes.failedOnce),
      share(pushes.failedTwice),
      sweeps.setAside,
      sweeps.restored,
      sweeps.freed,
      sweeps.runs,
      sweeps.kills,
      `${broken.length} of ${owed}`,
    ].join(' | ')
  })
  const reasons = results.flatMap(({ pushes, sweeps, broken }) => [
    ...pushes.reasons.map((reason) => `failed twice: ${reason}`),
    ...sweeps.warnings.slice(0, 5).map((warning) => `last sweep warned: ${JSON.stringify(warning)}`),
    ...sweeps.failures.map((failure) => `sweep: ${failure}`),
    ...broken.slice(0, 10).map((one) => `broken: ${one}`),
  ])
  return [
    `| ${columns} |`,
    `|${' --- |'.repeat(10)}`,
    ...lines.map((line) => `| ${line} |`),
    ...reasons,
  ].join('\n')
}

/** `--minutes 10 --registry debian|v3 --cache none|redis|inmemory --seed 1 --collector winnow|naive|none` */
export function readArguments(words: readonly string[]): StressOptions {
  const value = (name: string, otherwise: string): string => {
    const place = words.indexOf(`--${name}`)
    return place === -1 ? otherwise : (words[place + 1] ?? otherwise)
  }
  const one = <T extends string>(name: string, choices: readonly [T, ...T[]]): T => {
    const said = value(name, choices[0])
    const choice = choices.find((each) => each === said)
    if (choice === undefined) throw new Error(`--${name} is one of ${choices.join(', ')}.`)
    return choice
  }
  return {
    minutes: Number(value('minutes', '10')),
    registry: one('registry', ['debian', 'v3']),
    cache: one('cache', ['none', 'redis', 'inmemory']),
    seed: Number(value('seed', '1')),
    collector: one('collector', ['winnow', 'naive', 'none']),
  }
}
