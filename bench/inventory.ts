/**
 * Reads 2,000 images of a real docker-registry, cold and warm, beside `wrk` on the same requests at the same
 * concurrency, and beside regctl and its scripting sister regbot; all in one run, in turns, so that whatever else the
 * machine does concerns all of them.
 *
 *   TMPDIR=/dev/shm npm run bench -- inventory [ROUNDS]        (5 rounds unless told)
 *
 * What Winnow sends is counted in the registry's own log, not by Winnow.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { startDockerRegistry, type DockerRegistry } from '../test/servers/docker-registry.ts'
import { find } from '../test/servers/find.ts'
import { median, report, run } from './measure.ts'
import { pushSampleImages, type SampleImages } from './sample-images.ts'
import { regbotScript, wrkScript } from './foreign-scripts.ts'

const IMAGES = 2000
const CONCURRENCY = 16
const WRK_SECONDS = 4
const RATE_BUDGET = 0.8
const rounds = Number(process.argv[2] ?? 5)

const built = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** What bench/read-registry.ts prints. */
interface Reading {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly requests: number
  readonly isComplete: boolean
}

interface Round {
  readonly wrkRate: number
  readonly cold: Reading
  readonly warm: Reading
  readonly coldCommand: number
  readonly warmCommand: number
}

const folder = await mkdtemp(join(tmpdir(), 'winnow-bench-'))
const registry = await startDockerRegistry()
try {
  console.error(`Pushing ${IMAGES} images`)
  const images = await pushSampleImages(registry.url, IMAGES)
  const configuration = join(folder, 'winnow.yaml')
  await writeFile(configuration, configurationText(registry.url))
  const script = join(folder, 'requests.lua')
  await writeFile(script, wrkScript(images))
  const sent = await countRequests(registry, configuration)
  const all: Round[] = []
  for (let n = 1; n <= rounds; n += 1) {
    console.error(`Round ${n} of ${rounds}`)
    all.push(await measureRound(configuration, script, n))
  }
  const others = await measureOthers(registry, images)
  reportAll(images, sent, all, others)
} finally {
  await registry.stop()
  await rm(folder, { recursive: true, force: true })
}

function configurationText(url: string): string {
  return `version: 1
registries:
  bench: {url: "${url}", concurrency: ${CONCURRENCY}}
policies:
  - {name: everything, repositories: ["**"], rules: [], unmatched: keep}
`
}

interface Sent {
  readonly head: number
  readonly manifests: number
  readonly configs: number
  readonly other: number
}

async function countRequests(
  server: DockerRegistry,
  configuration: string,
): Promise<{ readonly cold: Sent; readonly warm: Sent }> {
  const state = join(folder, 'counted')
  const before = server.logs().length
  await winnowInventory(configuration, state)
  const between = server.logs().length
  await winnowInventory(configuration, state)
  const logs = server.logs()
  return { cold: sentIn(logs.slice(before, between)), warm: sentIn(logs.slice(between)) }
}

/** Distribution writes one line of the common log format for each request. */
function sentIn(log: string): Sent {
  const lines = [...log.matchAll(/"(GET|HEAD) (\S+) HTTP\/1\.1" \d+/g)]
  const count = (method: string, path: RegExp): number =>
    lines.filter(([, sent, url = '']) => sent === method && path.test(url)).length
  const head = count('HEAD', /\/manifests\//)
  const manifests = count('GET', /\/manifests\//)
  const configs = count('GET', /\/blobs\//)
  return { head, manifests, configs, other: lines.length - head - manifests - configs }
}

async function winnowInventory(configuration: string, state: string): Promise<number> {
  const args = ['inventory', '-o', 'json', '--quiet', '--config', configuration, '--state', state]
  return (await run(process.execPath, [built('dist/cli/main.js'), ...args])).seconds
}

async function readInProcess(configuration: string, state: string): Promise<Reading> {
  const { stdout } = await run(process.execPath, [built('read-registry.mjs'), configuration, state])
  const reading = JSON.parse(stdout) as Reading
  if (!reading.isComplete) throw new Error('The registry was not read in full.')
  return reading
}

async function wrkRate(script: string): Promise<number> {
  const args = ['-t1', `-c${CONCURRENCY}`, `-d${WRK_SECONDS}s`, '-s', script, registry.url]
  const { stdout } = await run('wrk', args)
  const failed = /Non-2xx or 3xx responses: (\d+)/.exec(stdout)
  if (failed !== null) throw new Error(`wrk was refused ${failed[1] ?? ''} times.`)
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1])
}

async function measureRound(configuration: string, script: string, n: number): Promise<Round> {
  const inProcess = join(folder, `state-${n}`)
  const byCommand = join(folder, `state-${n}-command`)
  const before = await wrkRate(script)
  const cold = await readInProcess(configuration, inProcess)
  const warm = await readInProcess(configuration, inProcess)
  const after = await wrkRate(script)
  const coldCommand = await winnowInventory(configuration, byCommand)
  const warmCommand = await winnowInventory(configuration, byCommand)
  return { wrkRate: (before + after) / 2, cold, warm, coldCommand, warmCommand }
}

interface Other {
  readonly name: string
  readonly seconds: number
  readonly requests: number
}

/** Neither keeps anything, so there is no warm reading. */
async function measureOthers(server: DockerRegistry, images: SampleImages): Promise<readonly Other[]> {
  const others: Other[] = []
  const environment = { HOME: folder, DOCKER_CONFIG: folder }
  const regbot = find('regbot')
  if (regbot !== undefined) {
    const file = join(folder, 'regbot.yaml')
    await writeFile(file, regbotScript(server.host, CONCURRENCY, images))
    console.error('regbot')
    const before = server.logs().length
    const { seconds } = await run(regbot.binary, ['once', '-c', file], environment)
    others.push({
      name: `regbot ${regbot.version}, a script`,
      seconds,
      requests: requestsSince(server, before),
    })
  }
  const regctl = find('regctl')
  if (regctl !== undefined) {
    const names = join(folder, 'names.txt')
    await writeFile(
      names,
      images.tags.map(({ repository, tag }) => `${server.host}/${repository}:${tag}`).join('\n'),
    )
    console.error('regctl')
    await run(regctl.binary, ['registry', 'set', '--tls', 'disabled', server.host], environment)
    const args = ['-P', `${CONCURRENCY}`, '-n', '1', '-a', names, regctl.binary, 'image', 'config']
    const before = server.logs().length
    const { seconds } = await run('xargs', args, environment)
    const requests = requestsSince(server, before)
    others.push({ name: `regctl ${regctl.version}, a process an image`, seconds, requests })
  }
  return others
}

function requestsSince(server: DockerRegistry, before: number): number {
  const { head, manifests, configs, other } = sentIn(server.logs().slice(before))
  return head + manifests + configs + other
}

function reportAll(
  images: SampleImages,
  sent: { readonly cold: Sent; readonly warm: Sent },
  all: readonly Round[],
  others: readonly Other[],
): void {
  const middle = (value: (round: Round) => number): number => median(all.map(value))
  const coldSeconds = middle(({ coldCommand }) => coldCommand)
  const rateOf = ({ cold }: Round): number => cold.requests / cold.seconds
  const ratio = middle((round) => rateOf(round) / round.wrkRate)
  const fixed = (value: number, digits = 0): string => value.toFixed(digits)
  const beside = (seconds: number): string => `${fixed(seconds / coldSeconds, 2)}×`
  report({
    title: `Inventory of ${images.tags.length} images (${images.manifests.length} manifests) from docker-registry, median of ${all.length} rounds`,
    rows: [
      { what: 'wrk, the same requests', 'requests/s': fixed(middle((round) => round.wrkRate)) },
      {
        what: 'Winnow cold, the reading',
        'requests/s': fixed(middle(rateOf)),
        'beside wrk': `${fixed(ratio * 100)} %`,
        seconds: fixed(
          middle(({ cold }) => cold.seconds),
          2,
        ),
        'own CPU s': fixed(
          middle(({ cold }) => cold.cpuSeconds),
          2,
        ),
        requests: middle(({ cold }) => cold.requests),
      },
      {
        what: 'Winnow warm, the reading',
        'requests/s': fixed(middle(({ warm }) => warm.requests / warm.seconds)),
        'beside wrk': `${fixed(middle(({ warm, wrkRate: rate }) => warm.requests / warm.seconds / rate) * 100)} %`,
        seconds: fixed(
          middle(({ warm }) => warm.seconds),
          2,
        ),
        'own CPU s': fixed(
          middle(({ warm }) => warm.cpuSeconds),
          2,
        ),
        requests: middle(({ warm }) => warm.requests),
      },
      { what: 'winnow inventory, cold', seconds: fixed(coldSeconds, 2), 'beside cold': beside(coldSeconds) },
      {
        what: 'winnow inventory, warm',
        seconds: fixed(
          middle(({ warmCommand }) => warmCommand),
          2,
        ),
        'beside cold': beside(middle(({ warmCommand }) => warmCommand)),
      },
      ...others.map(({ name, seconds, requests }) => ({
        what: name,
        requests,
        seconds: fixed(seconds, 2),
        'beside cold': beside(seconds),
      })),
    ],
    budgets: [
      {
        name: 'cold, beside wrk',
        value: `${fixed(ratio * 100)} %`,
        budget: `at least ${RATE_BUDGET * 100} %`,
        met: ratio >= RATE_BUDGET,
      },
      {
        name: 'cold, by the log of the registry',
        value: shown(sent.cold),
        budget: `${images.tags.length} HEAD, ${images.manifests.length} manifests, ${images.configs.length} configs`,
        met:
          sent.cold.head === images.tags.length &&
          sent.cold.manifests === images.manifests.length &&
          sent.cold.configs === images.configs.length,
      },
      {
        name: 'warm, by the log of the registry',
        value: shown(sent.warm),
        budget: `${images.tags.length} HEAD, no manifest, no config`,
        met: sent.warm.head === images.tags.length && sent.warm.manifests === 0 && sent.warm.configs === 0,
      },
    ],
  })
}

function shown({ head, manifests, configs, other }: Sent): string {
  return `${head} HEAD, ${manifests} manifests, ${configs} configs, ${other} lists and questions`
}
