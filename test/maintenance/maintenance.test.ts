/**
 * Maintenance windows with a real registry, a real Icinga 2 and a real Alertmanager, and a fault in each step: whenever
 * the start command can work, the registry is up afterwards.
 */
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { answer, startFaultServer, type FaultServer } from '../http/fault-server.ts'
import { startAlertmanager, type Alertmanager, type Silence } from '../servers/alertmanager.ts'
import { missing, titled } from '../servers/find.ts'
import { icingaHalfUser, icingaService, icingaUser, startIcinga2, type Icinga2 } from '../servers/icinga2.ts'
import { makeTestFolder, onFreePorts, removeTestFolder } from '../servers/server-process.ts'
import { bundleChild, runChild, type RunningChild } from './run-child.ts'
import { startScriptedRegistry, type ScriptedRegistry } from './scripted-registry.ts'

let program: Awaited<ReturnType<typeof bundleChild>>
beforeAll(async () => {
  program = await bundleChild()
})
afterAll(async () => {
  await program.remove()
})

let folder: string
let registry: ScriptedRegistry
let hook: FaultServer
/** What the webhook answers to an event; 200 when nothing is said. */
const hookStatus: { begin?: number; end?: number; delayMs?: number } = {}

beforeEach(async () => {
  folder = await makeTestFolder('maintenance')
  await mkdir(join(folder, 'registry'))
  registry = await onFreePorts(1, ([port = 0]) => startScriptedRegistry(join(folder, 'registry'), port))
  hook = await startFaultServer(({ body }, response) => {
    const { event } = JSON.parse(body) as { readonly event: 'begin' | 'end' }
    setTimeout(() => answer(response, hookStatus[event] ?? 200), hookStatus.delayMs ?? 0)
  })
})

afterEach(async () => {
  // A test that failed in the middle leaves its window open.
  for (const run of runs.splice(0)) run.kill('SIGKILL')
  for (const key of ['begin', 'end', 'delayMs'] as const) delete hookStatus[key]
  await registry.end()
  await hook.close()
  await removeTestFolder(folder)
})

const runs: RunningChild[] = []

interface Setting {
  readonly downtime?: Readonly<Record<string, object>>
  readonly health?: string
  readonly environment?: Readonly<Record<string, string>>
}

async function start(
  sweep: string,
  { downtime, health, environment = {} }: Setting = {},
): Promise<RunningChild> {
  const configuration = {
    version: 1,
    registries: {
      onprem: {
        url: registry.url,
        storage: { layout: 'distribution', filesystem: './storage' },
        sweep: {
          mode: 'maintenance',
          maintenance: {
            stop: registry.stopCommand,
            start: registry.startCommand,
            health: health ?? `${registry.url}/v2/`,
            downtime: downtime ?? { webhook: { url: hook.url } },
          },
        },
      },
    },
  }
  await mkdir(join(folder, 'storage'), { recursive: true })
  // JSON is YAML too, and needs no library to write.
  await writeFile(join(folder, 'winnow.yaml'), JSON.stringify(configuration, null, 2))
  const run = runChild(program.script, [folder, sweep], environment)
  runs.push(run)
  return run
}

/** Steps and how they ended, in order: `stop done`. */
function stepsOf({ log }: RunningChild): readonly string[] {
  return [...log().matchAll(/^\S+Z (\S+) +(done|FAILED|WARNING):/gm)].map(
    ([, step = '', end = '']) => `${step} ${end}`,
  )
}

function events(): readonly string[] {
  return hook.requests.map(({ body }) => (JSON.parse(body) as { readonly event: string }).event)
}

const noteFile = (): string => join(folder, 'storage', 'winnow', 'maintenance.json')

const whole = [
  'downtime done',
  'record done',
  'stop done',
  'sweep done',
  'start done',
  'health done',
  'downtime-end done',
  'window done',
]

describe.skipIf(missing('docker-registry'))(titled('a window', 'docker-registry'), () => {
  it('stops the registry, sweeps, and has it up again before it ends', async () => {
    const run = await start('until-told')
    await run.says('sweep        begins')
    expect(await registry.isUp()).toBe(false)
    expect(existsSync(noteFile())).toBe(true)
    await writeFile(join(folder, 'go'), '')
    expect(await run.ended, run.log()).toBe(0)
    expect(run.out()).toBe('swept stopped\n')
    expect(stepsOf(run)).toEqual(whole)
    expect(run.log()).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z stop {9}\| stopping the registry$/m)
    expect(events()).toEqual(['begin', 'end'])
    expect(existsSync(noteFile())).toBe(false)
    expect(await registry.isUp()).toBe(true)
  })

  const faults: readonly {
    readonly name: string
    readonly stop?: Parameters<ScriptedRegistry['inject']>[0]['stop']
    readonly start?: Parameters<ScriptedRegistry['inject']>[0]['start']
    readonly sweep?: string
    readonly hook?: Partial<typeof hookStatus>
    readonly exit: number
    readonly code?: string
    readonly steps: readonly string[]
    readonly calls: readonly string[]
  }[] = [
    {
      name: 'a webhook that refuses the beginning',
      hook: { begin: 500 },
      exit: 1,
      code: 'DOWNTIME_FAILED',
      steps: ['downtime FAILED'],
      calls: [],
    },
    {
      name: 'a stop that fails',
      stop: 'fails',
      exit: 1,
      code: 'MAINTENANCE_STOP_FAILED',
      steps: [...whole.slice(0, 2), 'stop FAILED', ...whole.slice(4)],
      calls: ['stop', 'start'],
    },
    {
      name: 'a stop that stops and then fails',
      stop: 'fails-after',
      exit: 1,
      code: 'MAINTENANCE_STOP_FAILED',
      steps: [...whole.slice(0, 2), 'stop FAILED', ...whole.slice(4)],
      calls: ['stop', 'start'],
    },
    {
      name: 'a stop that hangs',
      stop: 'hangs',
      exit: 1,
      code: 'MAINTENANCE_STOP_FAILED',
      steps: [...whole.slice(0, 2), 'stop FAILED', ...whole.slice(4)],
      calls: ['stop', 'start'],
    },
    {
      name: 'a sweep that throws',
      sweep: 'throw',
      exit: 1,
      code: 'INTERNAL',
      steps: [...whole.slice(0, 3), 'sweep FAILED', ...whole.slice(4)],
      calls: ['stop', 'start'],
    },
    {
      name: 'a start that fails once',
      start: 'fails-once',
      exit: 0,
      steps: [...whole.slice(0, 4), 'start FAILED', ...whole.slice(4)],
      calls: ['stop', 'start', 'start'],
    },
    {
      name: 'a sweep that throws and a start that fails once',
      start: 'fails-once',
      sweep: 'throw',
      exit: 1,
      code: 'INTERNAL',
      steps: [...whole.slice(0, 3), 'sweep FAILED', 'start FAILED', ...whole.slice(4)],
      calls: ['stop', 'start', 'start'],
    },
    {
      name: 'a registry that needs a while',
      start: 'slow',
      exit: 0,
      steps: whole,
      calls: ['stop', 'start'],
    },
    {
      name: 'a webhook that refuses the end',
      hook: { end: 404 },
      exit: 0,
      steps: [...whole.slice(0, 6), 'downtime-end WARNING', 'window done'],
      calls: ['stop', 'start'],
    },
  ]

  it.each(faults)('ends with the registry up after $name', async (fault) => {
    await registry.inject({
      ...(fault.stop && { stop: fault.stop }),
      ...(fault.start && { start: fault.start }),
    })
    Object.assign(hookStatus, fault.hook)
    const run = await start(fault.sweep ?? 'ok')
    expect(await run.ended, run.log()).toBe(fault.exit)
    if (fault.code !== undefined) expect(run.log()).toContain(`(${fault.code})`)
    expect(stepsOf(run)).toEqual(fault.steps)
    expect(await registry.calls()).toEqual(fault.calls)
    expect(await registry.isUp()).toBe(true)
    expect(existsSync(noteFile())).toBe(false)
  })

  it('says what to do when the start always fails, and the next run brings the registry back', async () => {
    await registry.inject({ start: 'fails' })
    const run = await start('ok')
    expect(await run.ended).toBe(1)
    expect(run.log()).toContain('onprem IS OUT OF SERVICE. It could not be brought back in 4 attempts')
    expect(run.log().split('\n')).toContain(registry.startCommand.join(' '))
    expect(run.log()).toContain('start        | no such unit')
    expect(await registry.calls()).toEqual(['stop', 'start', 'start', 'start', 'start'])
    expect(events()).toEqual(['begin'])
    expect(existsSync(noteFile())).toBe(true)

    await registry.inject({})
    const next = await start('ok')
    expect(await next.ended, next.log()).toBe(0)
    expect(next.out()).toBe('recovered r-1\nswept stopped\n')
    expect(await registry.isUp()).toBe(true)
    // The end of the first window is told as well.
    expect(events()).toEqual(['begin', 'end', 'begin', 'end'])
  })

  it('is an error when the registry is never well; the downtime is left to run out', async () => {
    const run = await start('ok', { health: `${registry.url}/nothing-here/` })
    expect(await run.ended).toBe(1)
    expect(run.log()).toContain('(MAINTENANCE_UNHEALTHY)')
    expect(events()).toEqual(['begin'])
    expect(existsSync(noteFile())).toBe(true)
    await expect.poll(() => registry.isUp()).toBe(true)
  })

  it.each(['downtime', 'record', 'stop', 'sweep', 'start', 'health', 'downtime-end'])(
    'is interrupted by SIGTERM in its step %s with the registry up and exit 143',
    async (step) => {
      await registry.inject({ stop: 'slow', start: 'slow' })
      hookStatus.delayMs = 500
      const run = await start(step === 'sweep' ? 'until-stopped' : 'ok')
      await run.says(`Z ${step.padEnd(12)} begins`)
      run.kill('SIGTERM')
      expect(await run.ended, run.log()).toBe(143)
      expect(await registry.isUp()).toBe(true)
      expect(existsSync(noteFile())).toBe(false)
      expect(events()).toEqual(['begin', 'end'])
      if (step === 'downtime') expect(await registry.calls()).toEqual([])
      if (step === 'stop') expect(run.log()).not.toContain('sweep        begins')
    },
  )

  it('obeys a second SIGINT in a stop that hangs, and starts the registry all the same', async () => {
    await registry.inject({ stop: 'hangs' })
    const run = await start('ok')
    await run.says('stopping the registry')
    run.kill('SIGINT')
    run.kill('SIGINT')
    // Two that come at once may be one; the third is certainly another.
    await new Promise((resolve) => setTimeout(resolve, 200))
    run.kill('SIGINT')
    expect(await run.ended, run.log()).toBe(130)
    expect(run.log()).toContain('was interrupted and was ended')
    expect(await registry.calls()).toEqual(['stop', 'start'])
    expect(await registry.isUp()).toBe(true)
  })

  it.each(['record', 'stop', 'sweep', 'start', 'health', 'downtime-end'])(
    'is killed in its step %s, and the next run brings the registry back first',
    async (step) => {
      await registry.inject({ stop: 'slow', start: 'slow' })
      hookStatus.delayMs = 300
      const run = await start(step === 'sweep' ? 'until-stopped' : 'ok')
      await run.says(`Z ${step.padEnd(12)} begins`)
      run.kill('SIGKILL')
      expect(await run.ended).toBeUndefined()

      await registry.inject({})
      const next = await start('ok')
      expect(await next.ended, next.log()).toBe(0)
      expect(await registry.isUp()).toBe(true)
      expect(existsSync(noteFile())).toBe(false)
      if (step === 'stop' || step === 'sweep' || step === 'start') {
        expect(next.out()).toContain('recovered r-1')
        expect(next.log()).toMatch(/recover +WARNING: the run r-1 took onprem out of service at \d{4}-/)
      }
    },
  )
})

const servers = ['docker-registry', 'icinga2', 'alertmanager'] as const

describe.skipIf(missing(...servers))(titled('monitoring during a window', ...servers), () => {
  let icinga: Icinga2
  let alertmanager: Alertmanager
  beforeAll(async () => {
    icinga = await startIcinga2()
    alertmanager = await startAlertmanager()
  })
  afterAll(async () => {
    await icinga.stop()
    await alertmanager.stop()
  })

  const environment = {
    ICINGA_USER: icingaUser.user,
    ICINGA_PASSWORD: icingaUser.password,
    HALF_USER: icingaHalfUser.user,
    HALF_PASSWORD: icingaHalfUser.password,
  }
  const both = (more: object = {}): Record<string, object> => ({
    icinga2: {
      url: icinga.url,
      service: icingaService,
      duration: '15m',
      usernameEnv: 'ICINGA_USER',
      passwordEnv: 'ICINGA_PASSWORD',
      caFile: icinga.caFile,
      ...more,
    },
    alertmanager: {
      url: alertmanager.url,
      duration: '15m',
      matchers: ['job="registry"', 'severity!="page"', 'instance=~"registry.*:5000"', 'team !~ "a|b"'],
    },
  })
  const activeSilences = async (): Promise<readonly Silence[]> =>
    (await alertmanager.silences()).filter(({ status }) => status.state === 'active')

  it('has downtime and silence while the registry is away, and not before or after', async () => {
    expect(await icinga.downtimes()).toEqual([])
    const run = await start('until-told', { downtime: both(), environment })
    await run.says('sweep        begins')
    expect(await registry.isUp()).toBe(false)
    expect(await icinga.downtimeDepth()).toBe(1)
    const [downtime, ...others] = await icinga.downtimes()
    expect(others).toEqual([])
    expect(downtime?.attrs).toMatchObject({
      host_name: 'docker-registry.example.com',
      service_name: 'docker registry',
      author: 'winnow',
      comment: 'Winnow sweeps the registry onprem (run r-1)',
      fixed: true,
    })
    expect((downtime?.attrs.end_time ?? 0) - (downtime?.attrs.start_time ?? 0)).toBe(900)
    const [silence, ...more] = await activeSilences()
    expect(more).toEqual([])
    expect(silence?.createdBy).toBe('winnow')
    expect(silence?.matchers).toHaveLength(4)
    expect(silence?.matchers).toEqual(
      expect.arrayContaining([
        { name: 'job', value: 'registry', isEqual: true, isRegex: false },
        { name: 'severity', value: 'page', isEqual: false, isRegex: false },
        { name: 'instance', value: 'registry.*:5000', isEqual: true, isRegex: true },
        { name: 'team', value: 'a|b', isEqual: false, isRegex: true },
      ]),
    )
    await writeFile(join(folder, 'go'), '')
    expect(await run.ended, run.log()).toBe(0)
    expect(stepsOf(run)).toEqual([
      'downtime done',
      'downtime done',
      ...whole.slice(1, 6),
      'downtime-end done',
      'downtime-end done',
      'window done',
    ])
    expect(await icinga.downtimes()).toEqual([])
    expect(await activeSilences()).toEqual([])
    expect(run.log()).not.toContain(icingaUser.password)
  })

  it.each([
    {
      name: 'Icinga has no such service',
      more: { service: 'docker-registry.example.com!another' },
      why: 'Icinga has no service "docker-registry.example.com!another"',
      code: 'DOWNTIME_FAILED',
      exit: 1,
    },
    {
      name: 'a name tries to be a filter',
      more: { service: 'x" || true || "!" || true || "' },
      why: 'Icinga has no service',
      code: 'DOWNTIME_FAILED',
      exit: 1,
    },
    {
      name: 'the password is wrong',
      more: { passwordEnv: 'HALF_PASSWORD' },
      why: 'Icinga refused the login',
      code: 'DOWNTIME_FAILED',
      exit: 1,
    },
    {
      name: 'the password is not there',
      more: { passwordEnv: 'NOT_SET' },
      why: 'NOT_SET',
      code: 'CREDENTIALS_UNAVAILABLE',
      exit: 3,
    },
    {
      name: 'the certificate is not trusted',
      more: { caFile: undefined },
      why: 'certificate',
      code: 'DOWNTIME_FAILED',
      exit: 1,
    },
  ])('stops nothing when $name', async ({ more, why, code, exit }) => {
    const run = await start('ok', { downtime: both(more), environment })
    expect(await run.ended, run.log()).toBe(exit)
    expect(run.log()).toContain(why)
    expect(run.log()).toContain(`(${code})`)
    expect(await registry.calls()).toEqual([])
    expect(await icinga.downtimes()).toEqual([])
  })

  it('takes the downtime back when Alertmanager does not want its silence', async () => {
    const downtime = both()
    const alert = { ...downtime['alertmanager'], matchers: ['job=~".*"'] }
    const run = await start('ok', { downtime: { ...downtime, alertmanager: alert }, environment })
    expect(await run.ended).toBe(1)
    expect(stepsOf(run)).toEqual(['downtime done', 'downtime FAILED', 'downtime-end done'])
    expect(await registry.calls()).toEqual([])
    expect(await icinga.downtimes()).toEqual([])
  })

  it('goes without verification where that is said', async () => {
    const run = await start('ok', {
      downtime: both({ caFile: undefined, insecureSkipVerify: true }),
      environment,
    })
    expect(await run.ended, run.log()).toBe(0)
  })

  it('ends the downtime of a run that was killed', async () => {
    const run = await start('until-stopped', { downtime: both(), environment })
    await run.says('sweep        begins')
    run.kill('SIGKILL')
    await run.ended
    expect(await icinga.downtimeDepth()).toBe(1)
    const next = await start('ok', { downtime: both(), environment })
    expect(await next.ended, next.log()).toBe(0)
    expect(await icinga.downtimes()).toEqual([])
    expect(await activeSilences()).toEqual([])
    expect(await registry.isUp()).toBe(true)
  })

  // The last, because its downtime stays.
  it('only warns when the downtime may not be removed', async () => {
    const half = { usernameEnv: 'HALF_USER', passwordEnv: 'HALF_PASSWORD' }
    const run = await start('ok', { downtime: both(half), environment })
    expect(await run.ended, run.log()).toBe(0)
    expect(run.log()).toContain(
      'downtime-end WARNING: icinga2: could not be ended early, and is left to run out',
    )
    expect(await icinga.downtimes()).toHaveLength(1)
    expect(await registry.isUp()).toBe(true)
  })
})
